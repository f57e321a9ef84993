// What guests, the platform's administrator and the remote parties tell each other. One struct per message;
// the wire form is JSON with lower-case hexadecimal for bytes (to_json / from_json in messages.cpp).
//
// Services (remote_service_if::call):
//   ca/enrol-platform    enrol_request    -> enrol_reply     the group AIK of the manager, EK = hardware TPM
//   manufacturer/ek-certificate  ek_certificate_request -> ek_certificate_reply   for a chip that it made
//   ca/public-key        ca_key_request   -> ca_key_reply    what an identity label is bound to
//   saa/public-key       saa_key_request  -> saa_key_reply   the authority that signs group configurations
//   saa/configuration    saa_config_request -> saa_config_reply
//   ca/enrol-guest       enrol_request    -> enrol_reply     the AIK of a guest's vTPM
//   ca/enrol-guest-tpm20 enrol_tpm20_request -> enrol_tpm20_reply   the AK of a guest's vTPM 2.0
//   verifier/challenge   challenge_request -> challenge_reply
//   verifier/evidence    evidence         -> verdict
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/ports.h"

namespace vtwin::models {

/// The manufacturer's certificate for the EK of a chip; empty in the reply when it did not make that chip.
struct ek_certificate_request {
    bytes ek_public;  ///< TPM_PUBKEY of the EK
};
struct ek_certificate_reply {
    bytes certificate;  ///< X.509 DER
};

struct ca_key_request {};
struct ca_key_reply {
    bytes public_key;  ///< TPM_PUBKEY of the CA (RSA-2048, e = 65537), input of chosenIDHash
};

/// TPM 1.2 privacy-CA protocol, client to CA (TPM Main Part 1, section "Attestation identity keys").
struct enrol_request {
    std::string subject;     ///< guest name, or the platform's name
    std::string label;       ///< identity label; chosenIDHash = SHA-1(label || TPM_PUBKEY(CA))
                             ///< (for the platform: the 20 zero bytes that manage-vtpmmgr sends, label empty)
    bytes ek_public;         ///< TPM_PUBKEY of the EK
    bytes ek_certificate;    ///< X.509 DER from the chip's manufacturer; empty for a vTPM
    bytes aik_public;        ///< TPM_PUBKEY of the AIK
    bytes identity_binding;  ///< signature over TPM_IDENTITY_CONTENTS
};
struct enrol_reply {
    bool accepted = false;
    std::string reason;  ///< when refused
    bytes asym_blob;     ///< TPM_ASYM_CA_CONTENTS, OAEP ("TCPA") under the EK: session key and AIK digest
    bytes sym_blob;      ///< AIK certificate (X.509 DER), AES-128-CBC under the session key, IV in front
};

/// TPM 2.0: the certificate is for whoever can activate a credential for this AK's Name with this EK (TPM 2.0
/// Part 1, "Credential Protection").
struct enrol_tpm20_request {
    std::string subject;
    bytes ek_public, ak_public;  ///< TPMT_PUBLIC
};
struct enrol_tpm20_reply {
    bool accepted = false;
    std::string reason;     ///< when refused
    bytes credential_blob;  ///< TPMS_ID_OBJECT; the credential is an AES-128 key
    bytes secret;           ///< seed, OAEP ("IDENTITY") under the EK
    bytes sym_blob;         ///< AK certificate (X.509 DER), AES-128-CBC under the credential, IV in front
};

struct saa_key_request {};
struct saa_key_reply {
    bytes modulus;  ///< 256 bytes, e = 65537
};
/// The administrator shows the hardware PCRs; the authority signs only for an approved platform.
struct saa_config_request {
    std::uint64_t sequence = 1;
    std::vector<bytes> hardware_pcrs;      ///< 24 values of 20 bytes
    std::vector<std::string> vtpm_labels;  ///< labels to be accepted
};
struct saa_config_reply {
    bool accepted = false;
    std::string reason;
    bytes signature;   ///< 256 bytes over SHA-1(cfg_list)
    bytes cfg_list;    ///< u64 seq, u32 p, composites, u32 k, kernel hashes (manager wire format)
    bytes selections;  ///< per platform: u16 3, 3 mask bytes
};

struct challenge_request {
    std::string guest;
};
struct challenge_reply {
    bytes nonce;                          ///< 20 bytes, single use
    std::uint32_t vtpm_pcr_mask = 0;      ///< PCRs of the vTPM to quote
    std::uint32_t hardware_pcr_mask = 0;  ///< PCRs of the hardware TPM in the deep quote
    std::uint32_t deep_quote_flags = 0;   ///< manager quote flags (1 uuid, 2 label, 4 group info, 8 SAA key)
};

struct measurement {  ///< one line of the boot event log
    std::uint32_t pcr = 0;
    bytes digest;             ///< SHA-1
    std::string description;  ///< "kernel <path>", "command line", "initrd <path>"
    bytes sha256 = {};        ///< of the same event; empty with a TPM 1.2
};

/// What a guest with a vTPM 2.0 shows instead of quote_composite and quote_signature.
struct tpm20_evidence {
    bytes ak_public;  ///< TPMT_PUBLIC of the certified AK
    bytes attest;     ///< TPMS_ATTEST: the quote of the SHA-256 bank, extraData = nonce
    bytes signature;  ///< TPMT_SIGNATURE over it
};

struct evidence {
    std::string guest;
    bytes nonce;
    bytes aik_certificate;  ///< X.509 DER
    // vTPM quote (TPM_Quote): TPM_QUOTE_INFO = 01010000 "QUOT" composite nonce
    bytes quote_composite;  ///< TPM_PCR_COMPOSITE as returned
    bytes quote_signature;
    bytes quote2_pcr_info;  ///< TPM_PCR_INFO_SHORT as TPM_Quote2 returned it, instead of quote_composite;
                            ///< signed is TPM_QUOTE_INFO2 = 0036 "QUT2" nonce TPM_PCR_INFO_SHORT
    std::optional<tpm20_evidence> tpm20;
    // deep quote; externData = SHA-1(nonce || SHA-1(TPM_PUBKEY(AIK))), TPM 2.0: models/vtpm/vtpm20.h
    bytes deep_quote;  ///< response body: signature, digests by flag, hardware PCR values
    std::uint8_t deep_quote_locality = 0;
    std::vector<bytes> vtpm_pcrs;  ///< 24 values; TPM 2.0: of the SHA-256 bank
    std::vector<measurement> boot_log;
    bytes firmware_log;               ///< binary_bios_measurements where firmware measured the boot; or empty
    std::string ima_log;              ///< ascii_runtime_measurements, template ima-ng, SHA-1 template hashes
    bool vtpm_attached_late = false;  ///< what the guest says of itself; the verifier judges by the boot log
};

/// What a program in the guest hands to the guest's agent, for an attestation now.
struct attest_request {
    bytes firmware_log;   ///< as in `evidence`
    std::string ima_log;  ///< likewise
};

/// The outcome of one check, in the order in which the verifier makes them.
struct verdict_reason {
    std::string check;  ///< "vtpm-quote", "deep-quote", "pcr-4", "ima-log", ...
    bool passed = false;
    std::string text;  ///< a sentence with expected and seen values
};
struct verdict {
    std::string guest;
    bool trusted = false;
    std::vector<verdict_reason> reasons;
};

std::string to_json(const ek_certificate_request&);
std::string to_json(const ek_certificate_reply&);
std::string to_json(const ca_key_request&);
std::string to_json(const ca_key_reply&);
std::string to_json(const enrol_request&);
std::string to_json(const enrol_reply&);
std::string to_json(const enrol_tpm20_request&);
std::string to_json(const enrol_tpm20_reply&);
std::string to_json(const saa_key_request&);
std::string to_json(const saa_key_reply&);
std::string to_json(const saa_config_request&);
std::string to_json(const saa_config_reply&);
std::string to_json(const challenge_request&);
std::string to_json(const challenge_reply&);
std::string to_json(const evidence&);
std::string to_json(const attest_request&);
std::string to_json(const verdict&);
/// Parses a message; nullopt when it is not one (missing, unknown or repeated field, wrong type, number out
/// of range, odd or upper-case hexadecimal). Defined for every message above.
template <typename Message>
std::optional<Message> from_json(const std::string& text);

}  // namespace vtwin::models
