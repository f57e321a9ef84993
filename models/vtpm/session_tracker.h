// Watches the authorisation sessions of a TPM 1.2 engine from outside: handles, nonces and shared secrets as
// they go by on the wire. The vendor commands of the wrapper (deep quote) are authorised by such a session.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "models/ports.h"

namespace vtwin::models {

using nonce_t = std::array<std::byte, 20>;
using authdata_t = std::array<std::byte, 20>;

struct tracked_session {
    enum class kind : std::uint8_t { oiap, osap_owner, osap_other };
    kind type = kind::oiap;
    nonce_t nonce_even{};
    nonce_t nonce_even_osap{}, nonce_odd_osap{};  ///< OSAP: the shared secret is derived from both
};

/// The authorisation block at the end of a request (45 bytes, TPM Main Part 2).
struct auth_block {
    std::uint32_t handle = 0;
    nonce_t nonce_odd{};
    bool continue_session = false;
    authdata_t hmac{};
};
std::optional<auth_block> last_auth_block(byte_view request);

class session_tracker {
  public:
    /// To be called with every command that the engine executed and its response.
    void observe(byte_view command, byte_view response);
    const tracked_session* find(std::uint32_t handle) const;
    void forget(std::uint32_t handle) { m_sessions.erase(handle); }
    void clear() { m_sessions.clear(); }

    /// HMAC key of a session for commands authorised by `secret`.
    static authdata_t hmac_key(const tracked_session& session, const authdata_t& secret);

  private:
    void observe_new_session(std::uint32_t ordinal, byte_view command, byte_view response);
    void observe_use(byte_view command, byte_view response, unsigned blocks);

    std::map<std::uint32_t, tracked_session> m_sessions;
};

/// HMAC-SHA1(key, digest || nonceEven || nonceOdd || continue).
authdata_t authorisation_hmac(const authdata_t& key, std::span<const std::byte, 20> digest,
                              const nonce_t& even, const nonce_t& odd, bool continue_session);

}  // namespace vtwin::models
