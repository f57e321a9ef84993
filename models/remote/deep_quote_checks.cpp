#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "models/remote/appraisal.h"
#include "models/remote/certificates.h"
#include "models/remote/configuration_authority.h"
#include "models/remote/tpm20_structures.h"

namespace vtwin::models::remote {
namespace {

constexpr std::uint8_t highest_locality = 4;

// The manager's GET_QUOTE body: signature[256] || 20 per flag set || 20 per hardware PCR selected.
struct deep_quote_body {
    byte_view signature, digests, pcr_octets;
    pcr_values hardware_pcrs;
};

std::optional<deep_quote_body> split(byte_view data, std::uint32_t flags, std::uint32_t hardware_mask) {
    deep_quote_body body;
    octet_reader in(data);
    body.signature = in.raw(rsa_size);
    body.digests = in.raw(digest_size * static_cast<std::size_t>(std::popcount(flags)));
    for (std::uint32_t pcr = 0; pcr < pcr_count; ++pcr) {
        if ((hardware_mask >> pcr & 1) == 0)
            continue;
        const byte_view value = in.raw(digest_size);
        body.hardware_pcrs[pcr].assign(value.begin(), value.end());
    }
    return in.finished() ? std::optional(body) : std::nullopt;
}

// TPM 2.0: the guest's whole quote, with its signature, is under the hardware's.
bytes expected_inner(const appraisal& a) {
    if (a.shown.tpm20)
        return deep_quote20_inner(a.shown.nonce, a.shown.tpm20->attest, a.shown.tpm20->signature,
                                  a.shown.deep_quote_locality);
    const bytes extern_data =
        sha1(octet_writer().raw(a.shown.nonce).raw(sha1(aik_pubkey(a.aik_modulus))).take());
    pcr_values vtpm_pcrs;
    for (std::uint32_t pcr = 0; pcr < pcr_count; ++pcr)
        if (a.quoted(pcr))
            vtpm_pcrs[pcr] = a.shown.vtpm_pcrs[pcr];
    return deep_quote_inner(extern_data, vtpm_pcrs, a.shown.deep_quote_locality);
}

// TPM_QUOTE_INFO that the hardware TPM must have signed for this nonce, AIK and these vTPM PCRs.
bytes expected_quote_info(const appraisal& a, const deep_quote_body& body) {
    const bytes external = manager_external_data(a.policy.deep_quote_flags, expected_inner(a), body.digests);
    return quote_info(composite_hash(body.hardware_pcrs), external);
}

// The enrolled group AIK that made the signature; the latest one first, since a platform may enrol again.
const bytes* find_signer(const appraisal& a, byte_view info, byte_view signature) {
    const auto& certificates = a.directory.platform_certificates;
    const auto signer = std::find_if(certificates.rbegin(), certificates.rend(), [&](const bytes& der) {
        const auto certificate = parse_certificate(der);
        return certificate && verify_sha1(certificate->modulus, info, signature);
    });
    return signer == certificates.rend() ? nullptr : &*signer;
}

bool check_signature(appraisal& a, const deep_quote_body& body) {
    if (a.aik_modulus.empty()) {
        a.fail("deep-quote", "the deep quote cannot be checked without a certified AIK");
        return false;
    }
    if (a.directory.platform_certificates.empty()) {
        a.fail("deep-quote",
               "no platform has enrolled its group AIK, so nobody could have signed the deep quote");
        return false;
    }
    const bytes* signer = find_signer(a, expected_quote_info(a, body), body.signature);
    if (signer == nullptr) {
        a.fail(
            "deep-quote",
            fmt::format("the deep quote is not an enrolled platform's signature over this nonce, {}, these "
                        "digests and these hardware PCR values",
                        a.tpm20() ? "this quote of the vTPM" : "this AIK, these vTPM PCR values"));
        return false;
    }
    a.pass("deep-quote", a.tpm20() ? "the hardware TPM signed the nonce and the vTPM's quote"
                                   : "the hardware TPM signed the nonce, the AIK and the vTPM's PCR values");
    std::string reason;
    const auto certificate = parse_certificate(*signer);
    if (!verify_chain(*signer, a.directory.privacy_ca_root, reason))
        a.fail("group-aik-certificate",
               fmt::format("the group AIK's certificate does not lead to the privacy CA: {}", reason));
    else if (certificate->role != key_role::platform_attestation)
        a.fail("group-aik-certificate",
               fmt::format("the deep quote was signed by a {}, expected a {}", to_string(certificate->role),
                           to_string(key_role::platform_attestation)));
    else
        a.pass("group-aik-certificate",
               fmt::format("the privacy CA certified the group AIK of platform {}", certificate->subject));
    return true;
}

void check_hardware_pcrs(appraisal& a, const pcr_values& seen) {
    const std::vector<bytes> expected = replay(a.policy.platform);
    bool all = true;
    for (const auto& [pcr, value] : seen) {
        if (value == expected[pcr])
            continue;
        all = false;
        a.fail(fmt::format("hardware-pcr-{}", pcr),
               "hardware " + describe_difference(pcr, a.policy.platform, expected[pcr], value));
    }
    if (all)
        a.pass("hardware-pcrs",
               fmt::format("the {} quoted hardware PCRs are those of the approved boot", seen.size()));
}

void compare(appraisal& a, const char* check, std::string_view what, byte_view expected, byte_view seen) {
    if (same(expected, seen))
        a.pass(check, fmt::format("the manager vouches for {}", what));
    else
        a.fail(check, fmt::format("the manager does not vouch for {}: expected {}, seen {}", what,
                                  to_hex(expected), to_hex(seen)));
}

void check_label(appraisal& a, byte_view seen) {
    if (same(seen, sha1(zeros(digest_size))))
        return a.fail(
            "vtpm-label",
            fmt::format("the manager never compared the vTPM's label (its record was made in this "
                        "session): expected {} ({}), seen {} (the hash of no label)",
                        to_hex(label_digest(a.reference.vtpm_label)), a.reference.vtpm_label, to_hex(seen)));
    compare(a, "vtpm-label", fmt::format("the vTPM's label {}", a.reference.vtpm_label),
            label_digest(a.reference.vtpm_label), seen);
}

void check_configuration(appraisal& a, byte_view seen) {
    const auto& lists = a.directory.signed_configurations;
    if (lists.empty())
        return a.fail("group-configuration", "the configuration authority has signed no configuration");
    const auto matches = [&](const bytes& list) {
        return same(group_info_digest(a.directory.saa_modulus, list), seen);
    };
    if (const auto old = std::ranges::find_if(lists, matches); old != lists.end() && *old != lists.back())
        return a.fail("group-configuration",
                      fmt::format("the manager runs configuration {}, the latest one is {}",
                                  octet_reader(*old).u64(), octet_reader(lists.back()).u64()));
    compare(a, "group-configuration", "the group's signed configuration",
            group_info_digest(a.directory.saa_modulus, lists.back()), seen);
}

void check_digests(appraisal& a, byte_view digests) {
    octet_reader in(digests);
    const std::uint32_t flags = a.policy.deep_quote_flags;
    if ((flags & hash_uuid) != 0)
        compare(a, "vtpm-uuid", fmt::format("the vTPM with UUID {}", to_string(a.reference.vtpm_uuid)),
                uuid_digest(a.reference.vtpm_uuid), in.raw(digest_size));
    if ((flags & vtpm_measurements) != 0)
        check_label(a, in.raw(digest_size));
    if ((flags & group_info) != 0)
        check_configuration(a, in.raw(digest_size));
    if ((flags & group_pubkey) != 0)
        compare(a, "configuration-authority", "the authority that approves its configurations",
                group_pubkey_digest(a.directory.saa_modulus), in.raw(digest_size));
}

}  // namespace

bytes deep_quote_info(const appraisal& a) {
    const auto body = split(a.shown.deep_quote, a.policy.deep_quote_flags, a.policy.hardware_pcr_mask);
    if (!body || a.aik_modulus.empty() || a.shown.vtpm_pcrs.size() != pcr_count)
        return {};
    return expected_quote_info(a, *body);
}

void check_deep_quote(appraisal& a) {
    const auto body = split(a.shown.deep_quote, a.policy.deep_quote_flags, a.policy.hardware_pcr_mask);
    if (!body)
        return a.fail(
            "deep-quote",
            fmt::format("the deep quote has {} octets, expected {}", a.shown.deep_quote.size(),
                        rsa_size + digest_size * static_cast<std::size_t>(
                                                     std::popcount(a.policy.deep_quote_flags) +
                                                     std::popcount(a.policy.hardware_pcr_mask & 0xFFFFFF))));
    if (a.shown.deep_quote_locality > highest_locality)
        return a.fail("deep-quote", fmt::format("locality {} is none of 0 to {}", a.shown.deep_quote_locality,
                                                highest_locality));
    if (!check_signature(a, *body))
        return;
    check_hardware_pcrs(a, body->hardware_pcrs);
    check_digests(a, body->digests);
}

}  // namespace vtwin::models::remote
