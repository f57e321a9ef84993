#include "tpm/codec/tpm12_client.h"

#include <systemc>
#include <utility>

#include "tpm/codec/tpm12_crypto.h"

namespace vtwin::tpm::tpm12 {

namespace {

std::array<std::byte, 4> big_endian(std::uint32_t value) {
    return {std::byte(value >> 24 & 0xFF), std::byte(value >> 16 & 0xFF), std::byte(value >> 8 & 0xFF),
            std::byte(value & 0xFF)};
}

std::uint16_t request_tag(const call& request) {
    return static_cast<std::uint16_t>(tag_rqu_command + request.sessions.size());
}

}  // namespace

bytes plain_command(std::uint32_t ordinal, byte_view parameters) {
    call request;
    request.ordinal = ordinal;
    request.parameters.assign(parameters.begin(), parameters.end());
    return encode(request);
}

bytes encode(const call& request) {
    sc_assert(request.sessions.size() <= 2);
    const std::size_t size = header_size + request.handles.size() + request.parameters.size() +
                             request.sessions.size() * auth_request_size;
    wire_writer out;
    out.u16(request_tag(request)).u32(static_cast<std::uint32_t>(size)).u32(request.ordinal);
    out.raw(request.handles).raw(request.parameters);
    if (!request.sessions.empty()) {
        const digest in_digest = sha1({big_endian(request.ordinal), request.parameters});
        for (const auto& use : request.sessions)
            use.session.write_block(out, in_digest, use.secret, use.keep_open);
    }
    return out.take();
}

client::client(transmit_fn transmit, entropy_if& entropy)
    : m_transmit(std::move(transmit)), m_entropy(entropy) {}

void client::begin(const std::vector<authorisation>& sessions) {
    for (const auto& use : sessions)
        use.session.begin_command(m_entropy);
}

std::uint32_t client::exchange(const call& request, bool nonces_drawn) {
    if (!nonces_drawn)
        begin(request.sessions);
    const std::uint32_t code = send_and_check(request);
    if (code != rc::success)
        for (const auto& use : request.sessions)
            use.session.forget();
    return code;
}

std::uint32_t client::send_and_check(const call& request) {
    const bytes response = m_transmit(encode(request));
    if (response.empty())
        return rc::ioerror;
    wire_reader in(response);
    const std::uint16_t tag = in.u16();
    const std::uint32_t size = in.u32();
    const std::uint32_t status = in.u32();
    if (!in.ok())
        return rc::size;
    if (status != rc::success)
        return status;
    if (tag != request_tag(request) + 3 || size != response.size())
        return rc::fail;

    if (request.parse)
        request.parse(in);
    const byte_view body = byte_view(response).first(in.position()).subspan(header_size);
    if (!in.ok() || body.size() < request.response_handles)
        return rc::size;
    if (!request.sessions.empty()) {
        if (in.remaining() < request.sessions.size() * auth_response_size)
            return rc::size;
        const digest out_digest = sha1(
            {big_endian(rc::success), big_endian(request.ordinal), body.subspan(request.response_handles)});
        for (const auto& use : request.sessions)
            if (!use.session.accept_block(in, out_digest, use.secret))
                return rc::authfail;
    }
    return in.at_end() ? rc::success : rc::size;
}

std::uint32_t client::simple(std::uint32_t ordinal, bytes parameters) {
    return exchange({ordinal, {}, std::move(parameters), {}, 0, {}});
}

std::uint32_t client::startup(std::uint16_t type) {
    return simple(ord::startup, wire_writer().u16(type).take());
}

std::uint32_t client::self_test_full() {
    return simple(ord::self_test_full);
}

std::uint32_t client::continue_self_test() {
    return simple(ord::continue_self_test);
}

std::uint32_t client::save_state() {
    return simple(ord::save_state);
}

std::uint32_t client::tsc_physical_presence(std::uint16_t presence) {
    return simple(ord::tsc_physical_presence, wire_writer().u16(presence).take());
}

std::uint32_t client::physical_enable() {
    return simple(ord::physical_enable);
}

std::uint32_t client::physical_set_deactivated(bool deactivated) {
    return simple(ord::physical_set_deactivated, wire_writer().u8(deactivated).take());
}

answer<bytes> client::get_capability(std::uint32_t area, byte_view sub_capability) {
    answer<bytes> result;
    call request{ord::get_capability, {}, wire_writer().u32(area).sized32(sub_capability).take(), {}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = in.sized32(); };
    result.code = exchange(request);
    return result;
}

answer<bytes> client::get_capability(std::uint32_t area, std::uint32_t sub_capability) {
    return get_capability(area, big_endian(sub_capability));
}

answer<std::vector<std::uint32_t>> client::get_handles(std::uint32_t resource_type) {
    const auto list = get_capability(cap::handle, resource_type);
    answer<std::vector<std::uint32_t>> result{list.code, {}};
    if (!list)
        return result;
    wire_reader in(list.value);
    for (std::uint16_t left = in.u16(); left > 0 && in.ok(); --left)
        result.value.push_back(in.u32());
    if (!in.ok() || !in.at_end())
        result.code = rc::size;
    return result;
}

answer<bytes> client::get_random(std::uint32_t count) {
    answer<bytes> result;
    call request{ord::get_random, {}, wire_writer().u32(count).take(), {}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = in.sized32(); };
    result.code = exchange(request);
    if (result && result.value.size() > count)
        result.code = rc::size;
    return result;
}

answer<digest> client::pcr_read(std::uint32_t pcr) {
    answer<digest> result;
    call request{ord::pcr_read, {}, wire_writer().u32(pcr).take(), {}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = in.fixed<20>(); };
    result.code = exchange(request);
    return result;
}

answer<digest> client::extend(std::uint32_t pcr, const digest& measurement) {
    answer<digest> result;
    call request{ord::extend, {}, wire_writer().u32(pcr).raw(measurement).take(), {}, 0, {}};
    request.parse = [&](wire_reader& in) { result.value = in.fixed<20>(); };
    result.code = exchange(request);
    return result;
}

std::uint32_t client::pcr_reset(const pcr_selection& selection) {
    wire_writer parameters;
    selection.write(parameters);
    return simple(ord::pcr_reset, parameters.take());
}

std::uint32_t client::flush_specific(std::uint32_t handle, std::uint32_t resource_type) {
    call request{ord::flush_specific, {}, wire_writer().u32(handle).u32(resource_type).take(), {}, 0, {}};
    return exchange(request);
}

std::uint32_t client::terminate_handle(std::uint32_t session_handle) {
    return simple(ord::terminate_handle, wire_writer().u32(session_handle).take());
}

std::uint32_t client::terminate(auth_session& session) {
    if (!session.is_open())
        return rc::success;
    const std::uint32_t code = terminate_handle(session.handle());
    session.forget();
    return code;
}

answer<public_key> client::endorsement_key(std::uint32_t ordinal, const bytes& parameters_behind_nonce) {
    nonce anti_replay;
    m_entropy.fill(anti_replay);
    answer<public_key> result;
    digest checksum{};
    call request{ordinal, {}, concat({anti_replay, parameters_behind_nonce}), {}, 0, {}};
    request.parse = [&](wire_reader& in) {
        result.value = public_key::read(in);
        checksum = in.fixed<20>();
    };
    result.code = exchange(request);
    if (result && checksum != sha1({result.value.encode(), anti_replay}))
        result.code = rc::fail;
    return result;
}

answer<public_key> client::read_pubek() {
    return endorsement_key(ord::read_pubek, {});
}

answer<public_key> client::create_endorsement_key_pair() {
    key_parms parms;
    parms.enc_scheme = enc::rsaes_oaep_sha1_mgf1;
    wire_writer out;
    parms.write(out);
    return endorsement_key(ord::create_endorsement_key_pair, out.data());
}

answer<auth_session> client::oiap() {
    answer<auth_session> result;
    call request{ord::oiap, {}, {}, {}, 0, {}};
    request.parse = [&](wire_reader& in) {
        const std::uint32_t handle = in.u32();
        result.value = auth_session::oiap(handle, in.fixed<20>());
    };
    result.code = exchange(request);
    return result;
}

answer<auth_session> client::osap(std::uint16_t entity_type, std::uint32_t entity_value,
                                  const secret& entity_secret) {
    nonce nonce_odd;
    m_entropy.fill(nonce_odd);
    answer<auth_session> result;
    call request{ord::osap, {}, wire_writer().u16(entity_type).u32(entity_value).raw(nonce_odd).take(),
                 {},        0,  {}};
    request.parse = [&](wire_reader& in) {
        const std::uint32_t handle = in.u32();
        const auto nonce_even = in.fixed<20>();
        const auto nonce_even_osap = in.fixed<20>();
        result.value = auth_session::osap(handle, nonce_even, entity_secret, nonce_even_osap, nonce_odd);
    };
    result.code = exchange(request);
    return result;
}

}  // namespace vtwin::tpm::tpm12
