// The verifier's judgement of one piece of evidence: a sequence of checks that each leave a sentence.
#pragma once

#include <set>
#include <vector>

#include "models/attestation/messages.h"
#include "models/platform/config.h"
#include "models/remote/tpm12_structures.h"

namespace vtwin::models::remote {

inline constexpr std::uint32_t ima_pcr = 10;  ///< which Linux extends with its measurements

/// What the verifier can look up in public: roots, the keys of enrolled platforms, signed configurations.
struct public_directory {
    bytes privacy_ca_root;                     ///< DER
    std::vector<bytes> platform_certificates;  ///< DER, group AIKs in the order of their enrolment
    bytes saa_modulus;
    std::vector<bytes> signed_configurations;  ///< CFG_LISTs, oldest first
};

/// One appraisal in progress. Checks are made in the order of the functions below; later ones use what
/// earlier ones established and say so when it is missing.
struct appraisal {
    const evidence& shown;
    const guest_reference& reference;
    const verifier_config& policy;
    const public_directory& directory;
    std::vector<verdict_reason> reasons;
    bytes aik_modulus;  ///< of the guest's certified AIK; empty when there is none

    void pass(std::string check, std::string_view sentence) { add(std::move(check), true, sentence); }
    void fail(std::string check, std::string_view sentence) { add(std::move(check), false, sentence); }
    /// A guest with a vTPM 2.0, by the reference; its evidence is of the SHA-256 bank.
    bool tpm20() const { return reference.version == tpm::family::tpm20; }
    pcr_hash bank() const { return tpm20() ? pcr_hash::sha256 : pcr_hash::sha1; }
    bool quoted(std::uint32_t pcr) const { return (policy.vtpm_pcr_mask >> pcr & 1) != 0; }
    bool all_passed() const;

  private:
    void add(std::string check, bool passed, std::string_view sentence);
};

/// "aik-certificate": chain to the privacy CA, made out to this guest.
void check_aik_certificate(appraisal& a);
/// "vtpm-quote", "vtpm-pcr-values": signature over TPM_QUOTE_INFO or TPM_QUOTE_INFO2 with the nonce,
/// composite against the claim; TPM_Quote2: made at locality 0.
void check_vtpm_quote(appraisal& a);
/// TPM 2.0: "ak-public": structure, attributes and scheme of the AK, and that it is the certified key. To be
/// called with a.shown.tpm20 present.
void check_attestation_key(appraisal& a);
/// TPM 2.0: "vtpm-quote", "vtpm-pcr-values": TPMS_ATTEST with its magic, type, signer, nonce and PCR
/// selection, its signature, and the digest of the claimed PCR values. To be called with a.shown.tpm20
/// present.
void check_vtpm_quote20(appraisal& a);
/// "deep-quote", "group-aik-certificate", "hardware-pcrs" or "hardware-pcr-N", "vtpm-uuid", "vtpm-label",
/// "group-configuration", "configuration-authority".
void check_deep_quote(appraisal& a);
/// The TPM_QUOTE_INFO under the deep quote's signature, rebuilt from nonce, AIK, PCR values and digests
/// (TPM 2.0: from nonce, the guest's quote and digests); empty when the body is malformed, the PCR values are
/// incomplete or no AIK is certified.
bytes deep_quote_info(const appraisal& a);
/// "boot-evidence", "boot-log-pcr-4", "boot-log-pcr-5", "pcr-4", "pcr-5", "kernel", "command-line", "initrd",
/// "pcr-N" for each other quoted PCR that was extended. Calls check_firmware where firmware measured the
/// boot.
void check_boot(appraisal& a);
/// Where firmware measured the boot: "boot-evidence" if the vTPM came too late, "firmware-log",
/// "boot-log-pcr-N", "firmware-reference", "pcr-N", "firmware-event" per PCR whose events differ from the
/// reference's, "pcr-N" for each quoted PCR that was extended and of which neither log says anything.
void check_firmware(appraisal& a);
/// "pcr-N" fails for each quoted PCR that is not in `judged` and not as after a reset; PCR 10 is IMA's.
void check_untouched(appraisal& a, const std::set<std::uint32_t>& judged);
/// "ima-log", "pcr-10", "boot-aggregate", "ima-file" per differing file or "ima-files".
void check_ima(appraisal& a);

}  // namespace vtwin::models::remote
