#include <fmt/format.h>

#include "models/remote/appraisal.h"
#include "models/remote/tpm20_structures.h"

namespace vtwin::models::remote {
namespace {

/// The quote's own fields against what was asked for and what is claimed; empty when all agree.
std::string disagreement(const appraisal& a, const attested_quote& quote) {
    const bytes signer = endorsement_qualified_name(object_name(a.shown.tpm20->ak_public));
    if (quote.qualified_signer != signer)
        return fmt::format("it was signed by {}, expected the certified AK {}",
                           to_hex(quote.qualified_signer), to_hex(signer));
    if (quote.extra_data != a.shown.nonce)
        return fmt::format("its nonce is {}, expected {}", to_hex(quote.extra_data), to_hex(a.shown.nonce));
    if (!quote.one_sha256_selection || quote.pcr_mask != a.policy.vtpm_pcr_mask)
        return fmt::format("it is of other PCRs: expected mask {:06x} of the SHA-256 bank alone, seen {:06x}",
                           a.policy.vtpm_pcr_mask, quote.pcr_mask);
    return {};
}

bytes claimed_digest(const appraisal& a) {
    octet_writer values;
    for (std::uint32_t pcr = 0; pcr < a.shown.vtpm_pcrs.size(); ++pcr)
        if (a.quoted(pcr))
            values.raw(a.shown.vtpm_pcrs[pcr]);
    return sha256(values.take());
}

}  // namespace

void check_attestation_key(appraisal& a) {
    const auto key = parse_public_area(a.shown.tpm20->ak_public);
    if (!key)
        return a.fail("ak-public", "the AK is no TPMT_PUBLIC of an RSA-2048 key");
    if (const std::string reason = refuse_attestation_key(*key); !reason.empty())
        return a.fail("ak-public", fmt::format("the key is no AK: {}", reason));
    if (a.aik_modulus.empty() || key->modulus != a.aik_modulus)
        return a.fail("ak-public", "the AK is not the certified key");
    a.pass("ak-public", fmt::format("the AK is a restricted signing key that cannot leave its TPM, named {}",
                                    to_hex(object_name(a.shown.tpm20->ak_public))));
}

void check_vtpm_quote20(appraisal& a) {
    std::string reason;
    const auto quote = parse_quote(a.shown.tpm20->attest, reason);
    if (!quote)
        return a.fail("vtpm-quote", fmt::format("the vTPM's quote is no TPMS_ATTEST of a quote: {}", reason));
    if (a.aik_modulus.empty())
        return a.fail("vtpm-quote", "the vTPM's quote cannot be checked without a certified AK");
    if (!verify_sha256(a.aik_modulus, a.shown.tpm20->attest, rsassa_sha256_octets(a.shown.tpm20->signature)))
        return a.fail("vtpm-quote", "the vTPM's quote does not bear the certified AK's signature");
    if (reason = disagreement(a, *quote); !reason.empty())
        return a.fail("vtpm-quote", fmt::format("the vTPM's quote is not the one asked for: {}", reason));
    a.pass("vtpm-quote", "the vTPM signed the nonce and its PCR values with the certified AK");
    if (const bytes claimed = claimed_digest(a); claimed != quote->pcr_digest)
        return a.fail(
            "vtpm-pcr-values",
            fmt::format("the PCR values as claimed differ from the quote: quoted digest {}, claimed {}",
                        to_hex(quote->pcr_digest), to_hex(claimed)));
    a.pass("vtpm-pcr-values", "the claimed PCR values are those of the quote");
}

}  // namespace vtwin::models::remote
