#include "tpm/codec/tpm12_session.h"

#include <systemc>

#include "tpm/codec/tpm12_crypto.h"

namespace vtwin::tpm::tpm12 {

auth_session auth_session::oiap(std::uint32_t handle, const nonce& nonce_even) {
    auth_session session;
    session.m_handle = handle;
    session.m_nonce_even = nonce_even;
    return session;
}

auth_session auth_session::osap(std::uint32_t handle, const nonce& nonce_even, const secret& entity_secret,
                                const nonce& nonce_even_osap, const nonce& nonce_odd_osap) {
    auth_session session = oiap(handle, nonce_even);
    session.m_is_osap = true;
    session.m_shared_secret = hmac_sha1(entity_secret, {nonce_even_osap, nonce_odd_osap});
    return session;
}

void auth_session::begin_command(entropy_if& entropy) {
    entropy.fill(m_nonce_odd);
}

secret auth_session::mask(const secret& clear, const nonce& even_or_odd) const {
    sc_assert(m_is_osap && "only OSAP sessions can carry a new secret");
    secret masked = sha1({m_shared_secret, even_or_odd});
    for (std::size_t i = 0; i < masked.size(); ++i)
        masked[i] ^= clear[i];
    return masked;
}

void auth_session::write_block(wire_writer& out, const digest& in_digest, const secret& secret,
                               bool keep_open) const {
    const std::array<std::byte, 1> keep{std::byte(keep_open)};
    const auto& key = m_is_osap ? m_shared_secret : secret;
    out.u32(m_handle).raw(m_nonce_odd).raw(keep);
    out.raw(hmac_sha1(key, {in_digest, m_nonce_even, m_nonce_odd, keep}));
}

bool auth_session::accept_block(wire_reader& in, const digest& out_digest, const secret& secret) {
    const auto nonce_even = in.fixed<20>();
    const auto keep = in.fixed<1>();
    const auto hmac = in.fixed<20>();
    const auto& key = m_is_osap ? m_shared_secret : secret;
    if (!in.ok() || hmac != hmac_sha1(key, {out_digest, nonce_even, m_nonce_odd, keep}))
        return false;
    m_nonce_even = nonce_even;
    if (keep[0] == std::byte{0})
        forget();
    return true;
}

}  // namespace vtwin::tpm::tpm12
