#include "models/remote/verifier.h"

#include <fmt/format.h>
#include <algorithm>

namespace vtwin::models::remote {
namespace {

constexpr std::uint32_t all_pcrs = (1u << pcr_count) - 1;
constexpr std::uint32_t known_flags = hash_uuid | vtpm_measurements | group_info | group_pubkey;

bool pcrs_complete(const appraisal& a) {
    return a.shown.vtpm_pcrs.size() == pcr_count &&
           std::ranges::all_of(a.shown.vtpm_pcrs,
                               [&](const bytes& value) { return value.size() == size_of(a.bank()); });
}

// Evidence of another family is not judged at all: a guest must not choose the weaker one.
bool family_expected(appraisal& a) {
    if (a.shown.tpm20.has_value() == a.tpm20())
        return true;
    a.fail("vtpm-version", fmt::format("the evidence is that of a TPM {}, expected TPM {}",
                                       a.tpm20() ? "1.2" : "2.0", a.tpm20() ? "2.0" : "1.2"));
    return false;
}

void check_any_quote(appraisal& a) {
    if (!a.tpm20())
        return check_vtpm_quote(a);
    check_attestation_key(a);
    check_vtpm_quote20(a);
}

}  // namespace

verifier::verifier(verifier_config config, tpm::entropy_if& entropy)
    : m_config(std::move(config)), m_entropy(entropy) {
    m_config.vtpm_pcr_mask &= all_pcrs;
    m_config.hardware_pcr_mask &= all_pcrs;
    m_config.deep_quote_flags &= known_flags;
}

std::optional<challenge_reply> verifier::challenge(const challenge_request& request) {
    if (!m_config.guests.contains(request.guest))
        return std::nullopt;
    bytes nonce(digest_size);
    m_entropy.fill(nonce);
    m_open_nonces[to_hex(nonce)] = request.guest;
    return challenge_reply{nonce, m_config.vtpm_pcr_mask, m_config.hardware_pcr_mask,
                           m_config.deep_quote_flags};
}

verdict appraise(const evidence& shown, const public_directory& directory, const verifier_config& policy,
                 const std::function<bool(appraisal&)>& fresh) {
    static const guest_reference nobody{};
    const auto guest = policy.guests.find(shown.guest);
    const bool known = guest != policy.guests.end();
    appraisal a{shown, known ? guest->second : nobody, policy, directory, {}, {}};
    if (!known)
        a.fail("guest", "there is no reference for this guest");
    else if (fresh(a) && family_expected(a)) {
        check_aik_certificate(a);
        if (pcrs_complete(a)) {
            check_any_quote(a);
            check_deep_quote(a);
            check_boot(a);
            check_ima(a);
        } else {
            a.fail("vtpm-pcr-values",
                   fmt::format("the claim is not {} PCR values of {} octets", pcr_count, size_of(a.bank())));
        }
    }
    const bool trusted = a.all_passed();
    return {shown.guest, trusted, std::move(a.reasons)};
}

verdict verifier::judge(const evidence& shown, const public_directory& directory) {
    return appraise(shown, directory, m_config, [this](appraisal& a) { return nonce_good(a); });
}

// The one place that decides freshness; a nonce is spent by its first use, whatever comes of the rest.
bool verifier::nonce_good(appraisal& a) {
    const std::string nonce = to_hex(a.shown.nonce);
    const auto open = m_open_nonces.find(nonce);
    if (open == m_open_nonces.end()) {
        a.fail("nonce", m_spent_nonces.contains(nonce) ? fmt::format("nonce {} was used before", nonce)
                                                       : fmt::format("nonce {} was never given out", nonce));
        return false;
    }
    const std::string owner = open->second;
    m_spent_nonces.insert(m_open_nonces.extract(open));
    if (owner != a.shown.guest) {
        a.fail("nonce", fmt::format("nonce {} was given to {}", nonce, owner));
        return false;
    }
    a.pass("nonce", fmt::format("nonce {} is fresh", nonce));
    return true;
}

}  // namespace vtwin::models::remote
