#include <fmt/format.h>
#include <algorithm>

#include "models/remote/appraisal.h"
#include "models/remote/certificates.h"

namespace vtwin::models::remote {
namespace {

// A guest's kernel speaks to its TPM at locality 0.
constexpr std::uint8_t guest_locality = 1;

std::string_view name_of(quote_command which) {
    return which == quote_command::quote2 ? "TPM_Quote2" : "TPM_Quote";
}

// Whether mask and AIK are there to check a signature with.
bool checkable(appraisal& a, std::uint32_t quoted_mask) {
    if (quoted_mask != a.policy.vtpm_pcr_mask) {
        a.fail("vtpm-quote", fmt::format("the vTPM quoted other PCRs: expected mask {:06x}, seen {:06x}",
                                         a.policy.vtpm_pcr_mask, quoted_mask));
        return false;
    }
    if (a.aik_modulus.empty()) {
        a.fail("vtpm-quote", "the vTPM's quote cannot be checked without a certified AIK");
        return false;
    }
    return true;
}

// TPM_Quote: the composite was shown, and its hash signed.
void check_quote(appraisal& a) {
    const auto composite = parse_pcr_composite(a.shown.quote_composite);
    if (!composite)
        return a.fail("vtpm-quote", "the quoted TPM_PCR_COMPOSITE is malformed");
    if (!checkable(a, mask_of(*composite)))
        return;
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

// TPM_Quote2: only the hash of the composite was shown; the claimed values have to lead to it.
void check_quote2(appraisal& a) {
    const auto info = parse_pcr_info_short(a.shown.quote2_pcr_info);
    if (!info)
        return a.fail("vtpm-quote", "the quoted TPM_PCR_INFO_SHORT is malformed");
    if (!checkable(a, info->mask))
        return;
    if (!verify_sha1(a.aik_modulus, quote_info2(a.shown.quote2_pcr_info, a.shown.nonce),
                     a.shown.quote_signature))
        return a.fail(
            "vtpm-quote",
            fmt::format("the vTPM's quote is not the certified AIK's signature over nonce {} and the "
                        "TPM_PCR_INFO_SHORT {}",
                        to_hex(a.shown.nonce), to_hex(a.shown.quote2_pcr_info)));
    if (info->locality != guest_locality)
        return a.fail("vtpm-quote",
                      fmt::format("the quote was made at the localities {:02x}, expected {:02x}",
                                  info->locality, guest_locality));
    a.pass("vtpm-quote", "the vTPM signed the nonce and the hash of its PCR values with the certified AIK");

    pcr_values claimed;
    for (std::uint32_t pcr = 0; pcr < a.shown.vtpm_pcrs.size(); ++pcr)
        if (a.quoted(pcr))
            claimed[pcr] = a.shown.vtpm_pcrs[pcr];
    if (const bytes hash = composite_hash(claimed); hash != info->digest)
        return a.fail("vtpm-pcr-values",
                      fmt::format("the PCR values as claimed differ from the quote: quoted composite {}, "
                                  "claimed {}",
                                  to_hex(info->digest), to_hex(hash)));
    a.pass("vtpm-pcr-values", "the claimed PCR values are those of the quote");
}

}  // namespace

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
    if (!a.shown.quote_composite.empty() && !a.shown.quote2_pcr_info.empty())
        return a.fail("vtpm-quote", "the evidence holds the answers of both TPM_Quote and TPM_Quote2");
    const auto seen = a.shown.quote2_pcr_info.empty() ? quote_command::quote : quote_command::quote2;
    if (a.reference.quote.value_or(seen) != seen)
        return a.fail("vtpm-quote", fmt::format("the vTPM quoted by {}, expected {}", name_of(seen),
                                                name_of(*a.reference.quote)));
    if (seen == quote_command::quote2)
        check_quote2(a);
    else
        check_quote(a);
}

}  // namespace vtwin::models::remote
