// Authorisation sessions of TPM 1.2 as their user sees them (TPM Main Part 1, section 13): OIAP and OSAP.
#pragma once

#include "tpm/codec/tpm12_constants.h"
#include "tpm/codec/wire.h"

namespace vtwin::tpm::tpm12 {

/// Handle, rolling nonces and, for OSAP, the shared secret of one session. Never closes anything by itself: a
/// session whose command failed has handle 0 afterwards, and a command sent with it carries handle 0.
class auth_session {
  public:
    auth_session() = default;  ///< no session: handle 0
    static auth_session oiap(std::uint32_t handle, const nonce& nonce_even);
    /// sharedSecret = HMAC(secret, nonceEvenOSAP || nonceOddOSAP)
    static auth_session osap(std::uint32_t handle, const nonce& nonce_even, const secret& entity_secret,
                             const nonce& nonce_even_osap, const nonce& nonce_odd_osap);

    std::uint32_t handle() const { return m_handle; }
    bool is_open() const { return m_handle != 0; }
    bool is_osap() const { return m_is_osap; }
    /// Forgets the handle; the TPM is not told.
    void forget() { m_handle = 0; }

    /// Draws the nonceOdd of the next command.
    void begin_command(entropy_if& entropy);
    /// ADIP with XOR: the new secret masked with SHA-1(sharedSecret || nonceEven), or with nonceOdd for the
    /// second secret of a command. Only for OSAP sessions, after begin_command().
    secret mask_with_even(const secret& clear) const { return mask(clear, m_nonce_even); }
    secret mask_with_odd(const secret& clear) const { return mask(clear, m_nonce_odd); }
    /// The 45-byte block at the end of a request. `secret` is not used by OSAP sessions.
    void write_block(wire_writer& out, const digest& in_digest, const secret& secret, bool keep_open) const;
    /// Takes the 41-byte block of a response; false when its HMAC is wrong. Rolls nonceEven; when the TPM
    /// closed the session the handle becomes 0.
    [[nodiscard]] bool accept_block(wire_reader& in, const digest& out_digest, const secret& secret);

  private:
    secret mask(const secret& clear, const nonce& even_or_odd) const;

    std::uint32_t m_handle = 0;
    bool m_is_osap = false;
    secret m_shared_secret{};
    nonce m_nonce_even{}, m_nonce_odd{};
};

/// How one command uses a session.
struct authorisation {
    auth_session& session;
    tpm12::secret secret{};  ///< of the entity used; OSAP sessions carry their own
    bool keep_open = true;   ///< continueAuthSession
};

}  // namespace vtwin::tpm::tpm12
