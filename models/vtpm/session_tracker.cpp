#include "models/vtpm/session_tracker.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "models/vtpm/packet_numbers.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {
namespace {

constexpr std::uint32_t ord_oiap = 10, ord_osap = 11;
constexpr std::size_t request_block = 45, response_block = 41;
constexpr std::uint8_t entity_owner = 2;

void copy_nonce(tpm::wire_reader& in, nonce_t& out) {
    const auto view = in.view(out.size());
    if (in.ok())
        std::ranges::copy(view, out.begin());
}

authdata_t hmac_sha1(const authdata_t& key, byte_view data) {
    authdata_t digest;
    unsigned size = 0;
    HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(data.data()), data.size(),
         reinterpret_cast<unsigned char*>(digest.data()), &size);
    return digest;
}

}  // namespace

std::optional<auth_block> last_auth_block(byte_view request) {
    if (request.size() < header_size + request_block)
        return std::nullopt;
    tpm::wire_reader in(request.last(request_block));
    auth_block block;
    block.handle = in.u32();
    copy_nonce(in, block.nonce_odd);
    block.continue_session = in.u8() != 0;
    copy_nonce(in, block.hmac);
    return block;
}

void session_tracker::observe(byte_view command, byte_view response) {
    if (command.size() < header_size || response.size() < header_size)
        return;
    tpm::wire_reader in(command);
    const std::uint16_t tag = in.u16();
    in.u32();
    const std::uint32_t ordinal = in.u32();
    if (ordinal == ord_oiap || ordinal == ord_osap)
        observe_new_session(ordinal, command, response);
    else if (tag == tag_auth1)
        observe_use(command, response, 1);
    else if (tag == tag_auth2)
        observe_use(command, response, 2);
}

void session_tracker::observe_new_session(std::uint32_t ordinal, byte_view command, byte_view response) {
    tpm::wire_reader out(response);
    out.u16();
    out.u32();
    if (out.u32() != 0)
        return;
    tracked_session session;
    const std::uint32_t handle = out.u32();
    copy_nonce(out, session.nonce_even);
    if (ordinal == ord_osap) {
        tpm::wire_reader in(command.subspan(header_size));
        const bool owner = (in.u16() & 0xFF) == entity_owner;
        in.u32();
        session.type = owner ? tracked_session::kind::osap_owner : tracked_session::kind::osap_other;
        copy_nonce(in, session.nonce_odd_osap);
        copy_nonce(out, session.nonce_even_osap);
        if (!in.ok())
            return;
    }
    if (out.ok())
        m_sessions[handle] = session;
}

void session_tracker::observe_use(byte_view command, byte_view response, unsigned blocks) {
    if (command.size() < header_size + blocks * request_block)
        return;
    tpm::wire_reader result(response.subspan(6, 4));
    const bool success = result.u32() == 0 && response.size() >= header_size + blocks * response_block;
    for (unsigned i = 0; i < blocks; ++i) {
        tpm::wire_reader in(command.subspan(command.size() - (blocks - i) * request_block));
        const auto entry = m_sessions.find(in.u32());
        if (entry == m_sessions.end())
            continue;
        if (!success) {
            m_sessions.erase(entry);  // a failed authorised command ends its sessions
            continue;
        }
        tpm::wire_reader out(response.subspan(response.size() - (blocks - i) * response_block));
        copy_nonce(out, entry->second.nonce_even);
        if (out.u8() == 0)
            m_sessions.erase(entry);
    }
}

const tracked_session* session_tracker::find(std::uint32_t handle) const {
    const auto entry = m_sessions.find(handle);
    return entry == m_sessions.end() ? nullptr : &entry->second;
}

authdata_t session_tracker::hmac_key(const tracked_session& session, const authdata_t& secret) {
    if (session.type == tracked_session::kind::oiap)
        return secret;
    tpm::wire_writer nonces;
    nonces.raw(session.nonce_even_osap).raw(session.nonce_odd_osap);
    return hmac_sha1(secret, nonces.data());
}

authdata_t authorisation_hmac(const authdata_t& key, std::span<const std::byte, 20> digest,
                              const nonce_t& even, const nonce_t& odd, bool continue_session) {
    tpm::wire_writer text;
    text.raw(digest).raw(even).raw(odd).u8(continue_session ? 1 : 0);
    return hmac_sha1(key, text.data());
}

}  // namespace vtwin::models
