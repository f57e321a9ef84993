#include "models/vtpmmgr/tpm_link.h"

#include <algorithm>
#include <systemc>

#include "tpm/codec/tpm12_crypto.h"

namespace vtwin::models::manager {

namespace {

using tpm::wire_reader;
using tpm::wire_writer;

constexpr std::uint32_t first_non_fatal = 0x800,
                        last_non_fatal = 0x803;  // TPM_RETRY .. TPM_DEFEND_LOCK_RUNNING
constexpr int retries = 5;
const sc_core::sc_time retry_pause(20, sc_core::SC_MS);

std::uint32_t status_of(byte_view response) {
    wire_reader reader(response);
    reader.view(6);
    return reader.u32();
}

}  // namespace

tpm_link::tpm_link(tpm_transport_if& transport, const behaviour_set& behaviours,
                   stubdom_services_if& services)
    : m_transport(transport), m_behaviours(behaviours), m_services(services) {}

/// Hardened: codes that ask to come again are obeyed a few times.
transport_result tpm_link::transmit(byte_view command) {
    for (int attempt = 0;; ++attempt) {
        transport_result result = m_transport.transmit(command);
        if (m_behaviours.faithful(behaviour::vtpmmgr_no_retry_on_transient_tpm_codes) || attempt == retries ||
            !result || result.response.size() < packet_header)
            return result;
        const std::uint32_t status = status_of(result.response);
        if (status < first_non_fatal || status > last_non_fatal)
            return result;
        m_services.sleep(retry_pause);
    }
}

bytes tpm_link::pass_through(byte_view command) {
    transport_result result = transmit(command);
    return result ? std::move(result.response) : bytes{};
}

std::uint32_t tpm_link::execute(std::uint32_t ordinal, byte_view handles, byte_view parameters,
                                std::span<const authorisation> sessions, const parser& parse) {
    const auto request_tag = static_cast<std::uint16_t>(tag::tpm_req + sessions.size());
    wire_writer request;
    request.u16(request_tag).u32(0).u32(ordinal).raw(handles).raw(parameters);
    std::array<tpm12::nonce, 2> odd{};
    const auto digest = tpm12::sha1({number(ordinal), parameters});
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        sc_assert(m_entropy != nullptr);
        m_entropy->fill(odd[i]);
        const tpm_session& session = sessions[i].session;
        const std::array<std::byte, 1> flag{std::byte(session.continued)};
        request.u32(session.handle).raw(odd[i]).raw(flag);
        request.raw(tpm12::hmac_sha1(sessions[i].key, {digest, session.nonce_even, odd[i], flag}));
    }
    request.patch_u32(2, static_cast<std::uint32_t>(request.size()));
    const transport_result result = transmit(request.data());
    const std::uint32_t status =
        result ? check(ordinal, request_tag, request.data(), result.response, sessions, odd, parse)
               : std::uint32_t{status::ioerror};
    for (const authorisation& auth : sessions)
        if (status != status::success || !auth.session.continued)
            auth.session.handle = 0;
    return status;
}

std::uint32_t tpm_link::check(std::uint32_t ordinal, std::uint16_t request_tag, byte_view request,
                              byte_view response, std::span<const authorisation> sessions,
                              std::span<const tpm12::nonce> odd, const parser& parse) {
    // Upstream parses up to the end of its work buffer, which still holds the request behind a short answer
    // (W-39).
    bytes buffer(response.begin(), response.end());
    if (m_behaviours.faithful(behaviour::vtpmmgr_tpm_reply_lengths_trusted)) {
        buffer.resize(std::max(work_buffer, response.size()));
        for (std::size_t i = response.size(); i < request.size(); ++i)
            buffer[i] = request[i];
    }
    wire_reader reader(buffer);
    const std::uint16_t response_tag = reader.u16();
    const std::uint32_t size = reader.u32();
    const std::uint32_t code = reader.u32();
    if (!reader.ok())
        return status::size;
    if (code != status::success)
        return code;
    if (response_tag != request_tag + 3 || size != response.size())
        return status::fail;
    if (parse)
        parse(reader);
    if (!reader.ok())
        return status::size;
    const byte_view body = byte_view(buffer).subspan(packet_header, reader.position() - packet_header);
    const auto digest = tpm12::sha1({number(code), number(ordinal), body});
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        tpm_session& session = sessions[i].session;
        session.nonce_even = reader.fixed<20>();
        const auto flag = reader.fixed<1>();
        const auto mac = reader.fixed<20>();
        if (!reader.ok())
            return status::size;
        if (mac != tpm12::hmac_sha1(sessions[i].key, {digest, session.nonce_even, odd[i], flag}))
            return status::authfail;
    }
    return reader.position() < response.size() ? std::uint32_t{status::size} : std::uint32_t{status::success};
}

std::uint32_t tpm_link::oiap(tpm_session& session) {
    session = {};
    tpm_session opened;
    const std::uint32_t status = execute(tpm12::ord::oiap, {}, [&](wire_reader& in) {
        opened.handle = in.u32();
        opened.nonce_even = in.fixed<20>();
    });
    if (status == status::success)
        session = opened;
    return status;
}

std::uint32_t tpm_link::osap(tpm_session& session, std::uint16_t entity_type, std::uint32_t entity,
                             const tpm12::secret& secret) {
    sc_assert(m_entropy != nullptr);
    session = {};
    tpm_session opened;
    tpm12::nonce odd, even_osap{};
    m_entropy->fill(odd);
    const bytes parameters = wire_writer().u16(entity_type).u32(entity).raw(odd).take();
    const std::uint32_t status = execute(tpm12::ord::osap, parameters, [&](wire_reader& in) {
        opened.handle = in.u32();
        opened.nonce_even = in.fixed<20>();
        even_osap = in.fixed<20>();
    });
    if (status != status::success)
        return status;
    session = opened;
    session.continued = false;  // every OSAP session of the manager serves one command
    session.shared = tpm12::hmac_sha1(secret, {even_osap, odd});
    return status;
}

bytes tpm_link::get_random(std::size_t wanted) {
    bytes data;
    const std::uint32_t status = execute(tpm12::ord::get_random, number(static_cast<std::uint32_t>(wanted)),
                                         [&](wire_reader& in) { data = in.sized32(); });
    return status == status::success ? data : bytes{};
}

}  // namespace vtwin::models::manager
