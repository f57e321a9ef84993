#include "models/vtpm/deep_quote.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <vector>

#include "models/digests.h"
#include "models/vtpm/packet_numbers.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {
namespace {

constexpr std::size_t auth_request_size = 45;
constexpr std::uint32_t ord_pcr_read = 21, ord_get_capability_owner = 102, ord_read_pubek = 124,
                        ord_flush_specific = 186, resource_auth = 2;
constexpr std::uint32_t tpm_invalid_pcr_info = 16, tpm_invalid_authhandle = 34;
constexpr unsigned pcr_count = 24;

using digest_t = std::array<std::byte, 20>;

bool equal(const authdata_t& a, const authdata_t& b) {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool selected(byte_view selection, unsigned pcr) {
    return pcr / 8 < selection.size() &&
           (std::to_integer<unsigned>(selection[pcr / 8]) >> (pcr % 8) & 1) != 0;
}

bool read_selection(tpm::wire_reader& in, bytes& out) {
    const std::uint16_t size = in.u16();
    if (!in.ok() || size > max_select)
        return false;
    const auto view = in.view(size);
    out.assign(view.begin(), view.end());
    return in.ok();
}

std::uint32_t result_of(byte_view response) {
    tpm::wire_reader in(response);
    in.u16();
    in.u32();
    const std::uint32_t result = in.u32();
    return in.ok() ? result : tpm_fail;
}

}  // namespace

digest_t deep_quote_inner(std::span<const std::byte, 20> extern_data, byte_view selection,
                          std::uint8_t locality, std::span<const digest_t> pcrs) {
    tpm::wire_writer values;
    for (unsigned pcr = 0; pcr < pcr_count; ++pcr)
        if (selected(selection, pcr))
            values.raw(pcrs[pcr]);
    digest_t composite{};
    if (!values.data().empty()) {
        tpm::wire_writer text;
        text.u16(static_cast<std::uint16_t>(selection.size())).raw(selection);
        text.u32(static_cast<std::uint32_t>(values.data().size())).raw(values.data());
        composite = sha1_of(text.data());
    }
    constexpr std::array marker{std::byte{'D'}, std::byte{'Q'}, std::byte{'U'}, std::byte{'T'}};
    tpm::wire_writer text;
    text.u32(0).raw(marker).raw(extern_data);
    text.u16(static_cast<std::uint16_t>(selection.size())).raw(selection);
    // x86 shifts by the low five bits, and the field is one byte.
    text.u8(static_cast<std::uint8_t>(1U << (locality % 32))).raw(composite);
    return sha1_of(text.data());
}

deep_quoter::deep_quoter(tpm::libtpms_engine& engine, session_tracker& sessions, tpm_transport_if& manager,
                         const behaviour_set& behaviours)
    : m_engine(engine), m_sessions(sessions), m_manager(manager), m_behaviours(behaviours) {}

std::uint32_t deep_quoter::parse(byte_view command, request& out) {
    tpm::wire_reader in(command);
    const std::uint16_t tag = in.u16();
    const std::uint32_t size = in.u32();
    out.ordinal = in.u32();
    if (tag != tag_auth1 || size != command.size() || command.size() < header_size + auth_request_size)
        return tpm_bad_parameter;
    const auto parameters = command.subspan(header_size, command.size() - header_size - auth_request_size);
    out.parameters.assign(parameters.begin(), parameters.end());
    out.auth = *last_auth_block(command);

    tpm::wire_reader body(parameters);
    const auto data = body.view(out.extern_data.size());
    if (!body.ok())
        return tpm_bad_parameter;
    std::ranges::copy(data, out.extern_data.begin());
    if (out.ordinal == ord_deep_quote && !read_selection(body, out.vtpm_selection))
        return tpm_bad_parameter;
    if (!read_selection(body, out.hardware_selection))
        return tpm_bad_parameter;
    if (out.ordinal == ord_deep_quote) {
        out.flags = body.u32();
        if (body.ok() && out.vtpm_selection.empty())
            return tpm_invalid_pcr_info;
    }
    return body.ok() && body.remaining() == 0 ? 0 : tpm_bad_parameter;
}

/// The engine judges the session: it gets TPM_GetCapabilityOwner, which changes nothing, with the guest's
/// session, nonce and continue flag, and with a right or (when the guest's HMAC is wrong) a wrong HMAC. So
/// nonces roll and failed sessions end exactly as the TPM would have it.
std::uint32_t deep_quoter::authorise(const request& request, grant& out) {
    const auto* session = m_sessions.find(request.auth.handle);
    if (session == nullptr || session->type == tracked_session::kind::osap_other)
        return tpm_invalid_authhandle;
    const auto secret = m_engine.owner_auth();
    if (!secret)
        return authorise_unowned(request, *session, out);

    out.key = session_tracker::hmac_key(*session, *secret);
    tpm::wire_writer text;
    text.u32(request.ordinal).raw(request.parameters);
    const auto expected = authorisation_hmac(out.key, sha1_of(text.data()), session->nonce_even,
                                             request.auth.nonce_odd, request.auth.continue_session);
    const bool right = equal(expected, request.auth.hmac);

    tpm::wire_writer ordinal;
    ordinal.u32(ord_get_capability_owner);
    auto probe_hmac = authorisation_hmac(out.key, sha1_of(ordinal.data()), session->nonce_even,
                                         request.auth.nonce_odd, request.auth.continue_session);
    if (!right)
        probe_hmac[0] ^= std::byte{1};
    tpm::wire_writer probe;
    probe.u16(tag_auth1).u32(header_size + auth_request_size).u32(ord_get_capability_owner);
    probe.u32(request.auth.handle).raw(request.auth.nonce_odd);
    probe.u8(request.auth.continue_session ? 1 : 0).raw(probe_hmac);
    const bytes answer = m_engine.execute(probe.data(), 0);
    m_sessions.observe(probe.data(), answer);
    if (const auto result = result_of(answer); result != 0)
        return result;
    if (!right)
        return tpm_fail;
    tpm::wire_reader tail(byte_view(answer).last(41));
    std::ranges::copy(tail.view(out.nonce_even.size()), out.nonce_even.begin());
    out.continue_session = tail.u8() != 0;
    out.live = out.continue_session;
    return 0;
}

/// No owner: upstream compares with the all-zero secret (W-49). The engine cannot roll such a session on, so
/// it ends.
std::uint32_t deep_quoter::authorise_unowned(const request& request, const tracked_session& session,
                                             grant& out) {
    if (m_behaviours.hardened(behaviour::vtpm_deep_quote_without_owner))
        return tpm_authfail;
    out.key = session_tracker::hmac_key(session, authdata_t{});
    tpm::wire_writer text;
    text.u32(request.ordinal).raw(request.parameters);
    const auto expected = authorisation_hmac(out.key, sha1_of(text.data()), session.nonce_even,
                                             request.auth.nonce_odd, request.auth.continue_session);
    out.nonce_even = session.nonce_even;
    const bool right = equal(expected, request.auth.hmac);
    end_session(request.auth.handle);
    return right ? 0 : tpm_authfail;
}

void deep_quoter::end_session(std::uint32_t handle) {
    tpm::wire_writer flush;
    flush.u16(tag_command).u32(18).u32(ord_flush_specific).u32(handle).u32(resource_auth);
    m_engine.execute(flush.data(), 0);
    m_sessions.forget(handle);
}

std::uint32_t deep_quoter::inner_digest(const request& request, std::uint8_t locality, digest_t& inner) {
    if (request.ordinal == ord_deep_quote) {
        std::vector<digest_t> pcrs(pcr_count);
        for (unsigned pcr = 0; pcr < pcr_count; ++pcr) {
            if (!selected(request.vtpm_selection, pcr))
                continue;
            tpm::wire_writer read;
            read.u16(tag_command).u32(14).u32(ord_pcr_read).u32(pcr);
            const bytes answer = m_engine.execute(read.data(), 0);
            if (result_of(answer) != 0 || answer.size() != header_size + 20)
                return tpm_fail;
            std::copy_n(answer.begin() + header_size, 20, pcrs[pcr].begin());
        }
        inner = deep_quote_inner(request.extern_data, request.vtpm_selection, locality, pcrs);
        return 0;
    }
    // ParentSignEK: the same form as the checksum of TPM_ReadPubek, with externData as the anti-replay nonce.
    tpm::wire_writer read;
    read.u16(tag_command).u32(30).u32(ord_read_pubek).raw(request.extern_data);
    const bytes answer = m_engine.execute(read.data(), 0);
    if (const auto result = result_of(answer); result != 0)
        return result;
    if (answer.size() < header_size + inner.size())
        return tpm_fail;
    std::copy_n(answer.end() - 20, 20, inner.begin());
    return 0;
}

std::uint32_t deep_quoter::ask_manager(const request& request, std::span<const std::byte, 20> inner,
                                       bytes& body) {
    tpm::wire_writer quote;
    const auto selection = static_cast<std::uint32_t>(request.hardware_selection.size());
    quote.u16(vtpm_tag_req).u32(36 + selection).u32(vtpm_ord_get_quote).raw(inner);
    quote.u16(static_cast<std::uint16_t>(selection)).raw(request.hardware_selection).u32(request.flags);
    const auto reply = m_manager.transmit(quote.data());
    if (!reply || reply.response.size() < header_size)
        return tpm_fail;
    if (const auto result = result_of(reply.response); result != 0)
        return result;
    body.assign(reply.response.begin() + header_size, reply.response.end());
    return 0;
}

std::optional<bytes> deep_quoter::execute(byte_view command, std::uint8_t locality, bool ek_is_fresh) {
    request request;
    const std::uint32_t malformed = parse(command, request);
    if (request.ordinal != ord_deep_quote && request.ordinal != ord_parent_sign_ek)
        return std::nullopt;
    const auto failure = [](std::uint32_t code) {
        tpm::wire_writer out;
        out.u16(0x00C4).u32(header_size).u32(code);
        return out.take();
    };
    if (malformed != 0)
        return failure(malformed);
    grant grant;
    if (const auto result = authorise(request, grant); result != 0)
        return failure(result);
    const auto fail_session = [&](std::uint32_t code) {
        if (grant.live)
            end_session(request.auth.handle);
        return failure(code);
    };
    if (request.ordinal == ord_parent_sign_ek && !ek_is_fresh)
        return fail_session(tpm_disabled_cmd);

    digest_t inner{};
    bytes body;
    if (const auto result = inner_digest(request, locality, inner); result != 0)
        return fail_session(result);
    if (const auto result = ask_manager(request, inner, body); result != 0)
        return fail_session(result);

    tpm::wire_writer out_text;
    out_text.u32(0).u32(request.ordinal).raw(body);
    const auto hmac = authorisation_hmac(grant.key, sha1_of(out_text.data()), grant.nonce_even,
                                         request.auth.nonce_odd, grant.continue_session);
    tpm::wire_writer out;
    out.u16(tag_response_auth1)
        .u32(static_cast<std::uint32_t>(header_size + body.size() + 41))
        .u32(0)
        .raw(body);
    out.raw(grant.nonce_even).u8(grant.continue_session ? 1 : 0).raw(hmac);
    return out.take();
}

}  // namespace vtwin::models
