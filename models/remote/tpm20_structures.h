// TPM 2.0 structures as the remote parties read and build them: own code, sharing nothing with what it
// checks. Source: TPM 2.0 Library Part 1 (names, credential protection, KDFa) and Part 2 (structures).
#pragma once

#include <optional>

#include "models/remote/crypto.h"

namespace vtwin::models::remote {

/// TPMA_OBJECT, as far as it is looked at.
enum object_attribute : std::uint32_t {
    fixed_tpm = 1u << 1,
    fixed_parent = 1u << 4,
    sensitive_data_origin = 1u << 5,
    restricted = 1u << 16,
    decrypt = 1u << 17,
    sign_encrypt = 1u << 18,
};

/// TPMT_PUBLIC of an RSA-2048 key with e = 65537 and nameAlg SHA-256.
struct public_area {
    std::uint32_t attributes = 0;
    bytes policy;
    bool symmetric_aes128_cfb =
        false;                   ///< what a storage key or EK wraps with; false: no symmetric algorithm
    bool rsassa_sha256 = false;  ///< its scheme; false: none
    bytes modulus;
};
/// Nullopt unless the octets are exactly one such structure.
std::optional<public_area> parse_public_area(byte_view data);
/// Why a key is no EK of the EK Credential Profile's template L-1, or no AK; empty when it is one.
std::string refuse_endorsement_key(const public_area& key);
std::string refuse_attestation_key(const public_area& key);

/// nameAlg || SHA-256(TPMT_PUBLIC).
bytes object_name(byte_view public_area_octets);
/// Qualified name of a primary key of the endorsement hierarchy: nameAlg || SHA-256(hierarchy || Name).
bytes endorsement_qualified_name(byte_view name);

/// TPMS_ATTEST of a quote.
struct attested_quote {
    bytes qualified_signer, extra_data;
    bool one_sha256_selection = false;  ///< exactly one bank, SHA-256
    std::uint32_t pcr_mask = 0;
    bytes pcr_digest;
};
/// Nullopt when the magic is not TPM_GENERATED_VALUE, the type not TPM_ST_ATTEST_QUOTE, or fields do not fit.
/// `reason` says which.
std::optional<attested_quote> parse_quote(byte_view attest, std::string& reason);
/// The octets of an RSASSA signature with SHA-256; empty for any other TPMT_SIGNATURE.
bytes rsassa_sha256_octets(byte_view signature);

/// KDFa with HMAC-SHA-256 (SP 800-108 in counter mode).
bytes kdf_a(byte_view key, std::string_view label, byte_view context_u, byte_view context_v,
            std::uint32_t bits);
/// What the holder of `ek` opens only if the object with this Name is in the same TPM.
struct credential {
    bytes blob;    ///< TPMS_ID_OBJECT
    bytes secret;  ///< seed under the EK
};
credential make_credential(const public_area& ek, byte_view name, byte_view value, tpm::entropy_if& entropy);

/// Inner hash of a deep quote of a vTPM 2.0: SHA-1(0^4 || "DQT2" || SHA-1(nonce || SHA-1(attest ||
/// signature))
/// || locality).
bytes deep_quote20_inner(byte_view nonce, byte_view attest, byte_view signature, std::uint8_t locality);

}  // namespace vtwin::models::remote
