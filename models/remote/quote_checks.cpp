#include <fmt/format.h>
#include <algorithm>

#include "models/remote/appraisal.h"
#include "models/remote/certificates.h"

namespace vtwin::models::remote {

void appraisal::add(std::string check, bool passed, std::string_view sentence) {
    reasons.push_back({std::move(check), passed, fmt::format("{}: {}", shown.guest, sentence)});
}

bool appraisal::all_passed() const {
    return std::ranges::all_of(reasons, &verdict_reason::passed);
}

void check_aik_certificate(appraisal& a) {
    const auto certificate = parse_certificate(a.shown.aik_certificate);
    std::string reason;
    if (!certificate)
        return a.fail("aik-certificate", "the AIK certificate is no certificate of an RSA-2048 key");
    if (!verify_chain(a.shown.aik_certificate, a.directory.privacy_ca_root, reason))
        return a.fail("aik-certificate",
                      fmt::format("the AIK certificate does not lead to the privacy CA: {}", reason));
    if (certificate->role != key_role::guest_attestation)
        return a.fail("aik-certificate",
                      fmt::format("the certificate is for a {}, expected a {}", to_string(certificate->role),
                                  to_string(key_role::guest_attestation)));
    if (certificate->subject != a.shown.guest)
        return a.fail("aik-certificate", fmt::format("the AIK certificate is made out to {}, expected {}",
                                                     certificate->subject, a.shown.guest));
    a.aik_modulus = certificate->modulus;
    a.pass("aik-certificate",
           fmt::format("the privacy CA certified this AIK (serial {})", certificate->serial));
}

void check_vtpm_quote(appraisal& a) {
    const auto composite = parse_pcr_composite(a.shown.quote_composite);
    if (!composite)
        return a.fail("vtpm-quote", "the quoted TPM_PCR_COMPOSITE is malformed");
    if (mask_of(*composite) != a.policy.vtpm_pcr_mask)
        return a.fail("vtpm-quote",
                      fmt::format("the vTPM quoted other PCRs: expected mask {:06x}, seen {:06x}",
                                  a.policy.vtpm_pcr_mask, mask_of(*composite)));
    if (a.aik_modulus.empty())
        return a.fail("vtpm-quote", "the vTPM's quote cannot be checked without a certified AIK");
    if (!verify_sha1(a.aik_modulus, quote_info(sha1(a.shown.quote_composite), a.shown.nonce),
                     a.shown.quote_signature))
        return a.fail(
            "vtpm-quote",
            fmt::format("the vTPM's quote is not the certified AIK's signature over nonce {} and the "
                        "PCR composite {}",
                        to_hex(a.shown.nonce), to_hex(sha1(a.shown.quote_composite))));
    a.pass("vtpm-quote", "the vTPM signed the nonce and its PCR values with the certified AIK");

    for (const auto& [pcr, value] : *composite)
        if (pcr >= a.shown.vtpm_pcrs.size() || a.shown.vtpm_pcrs[pcr] != value)
            return a.fail(
                "vtpm-pcr-values",
                fmt::format("PCR {} as claimed differs from the quote: quoted {}, claimed {}", pcr,
                            to_hex(value),
                            pcr < a.shown.vtpm_pcrs.size() ? to_hex(a.shown.vtpm_pcrs[pcr]) : "nothing"));
    a.pass("vtpm-pcr-values", "the claimed PCR values are those of the quote");
}

}  // namespace vtwin::models::remote
