// TPM 1.2 structures as the remote parties read and build them: own code, sharing nothing with what it
// checks. Source: TPM Main Part 2; deep quote: the vTPM and manager patches of Xen's stubdom tree.
#pragma once

#include <map>

#include "models/platform/config.h"
#include "models/remote/crypto.h"

namespace vtwin::models::remote {

enum class enc_scheme : std::uint16_t { none = 1, rsaesoaep_sha1_mgf1 = 3 };
enum class sig_scheme : std::uint16_t { none = 1, rsassapkcs1v15_sha1 = 2 };

/// TPM_PUBKEY of an RSA-2048 key with two primes and e = 65537.
struct pubkey {
    enc_scheme enc = enc_scheme::none;
    sig_scheme sig = sig_scheme::none;
    bytes modulus;
    bool operator==(const pubkey&) const = default;
};
/// Nullopt unless the octets are exactly one such structure; an explicit exponent must be 65537.
std::optional<pubkey> parse_pubkey(byte_view data);
/// 284 octets; the exponent is left implicit, as a TPM returns it.
bytes to_octets(const pubkey& key);
bytes aik_pubkey(byte_view modulus);  ///< TPM_PUBKEY of an identity key
bytes ek_pubkey(byte_view modulus);   ///< TPM_PUBKEY of an endorsement key

/// TPM_IDENTITY_CONTENTS (version 1.1.0.0, ordinal 0x79): what the identity binding signs.
bytes identity_contents(byte_view chosen_id_hash, byte_view aik_public);
/// TPM_QUOTE_INFO: 01010000 "QUOT" digest externalData; 48 octets.
bytes quote_info(byte_view composite_digest, byte_view external_data);

/// TPM_QUOTE_INFO2 without version: 0036 "QUT2" externalData TPM_PCR_INFO_SHORT; 52 octets with a map of
/// three.
bytes quote_info2(byte_view pcr_info, byte_view external_data);

/// PCR values by index; `mask` has bit n set for PCR n.
using pcr_values = std::map<std::uint32_t, bytes>;
std::uint32_t mask_of(const pcr_values& values);
bytes pcr_selection(std::uint32_t mask);        ///< TPM_PCR_SELECTION with three mask octets, little-endian
bytes pcr_composite(const pcr_values& values);  ///< TPM_PCR_COMPOSITE with three mask octets
std::optional<pcr_values> parse_pcr_composite(byte_view data);
/// SHA-1 of the composite; 20 zero octets when nothing is selected.
bytes composite_hash(const pcr_values& values);

/// TPM_PCR_INFO_SHORT
struct pcr_info_short {
    std::uint32_t mask = 0;     ///< PCRs selected
    std::uint8_t locality = 0;  ///< bit n: locality n
    bytes digest;               ///< TPM_COMPOSITE_HASH
};
/// Nullopt unless the octets are exactly one such structure with three map octets, as every TPM with 24 PCRs
/// returns it.
std::optional<pcr_info_short> parse_pcr_info_short(byte_view data);

bytes extend(byte_view old_value, byte_view digest);
/// The 24 PCRs of a TPM 1.2 chip after its start and these measurements (PCR 17 to 22 start with all bits
/// set).
std::vector<bytes> replay(const std::vector<firmware_measurement>& measurements);

/// What a manager's quote may hash into its external data (GET_QUOTE flags).
enum quote_flag : std::uint32_t { hash_uuid = 1, vtpm_measurements = 2, group_info = 4, group_pubkey = 8 };

/// Inner hash of DeepQuote: SHA-1(0^4 || "DQUT" || externData || TPM_PCR_INFO_SHORT).
bytes deep_quote_inner(byte_view extern_data, const pcr_values& vtpm_pcrs, std::uint8_t locality);
/// External data of a manager's quote: SHA-1(flags as little-endian u32 || inner || digests of the flags
/// set).
bytes manager_external_data(std::uint32_t flags, byte_view inner, byte_view digests);
bytes uuid_digest(const uuid_t& uuid);                               ///< flag 1
bytes label_digest(std::string_view label);                          ///< flag 2
bytes group_info_digest(byte_view saa_modulus, byte_view cfg_list);  ///< flag 4; CFG_LIST as on the wire
bytes group_pubkey_digest(byte_view saa_modulus);                    ///< flag 8

}  // namespace vtwin::models::remote
