#include "models/vtpm/vtpm20.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/digests.h"
#include "models/vtpm/packet_numbers.h"
#include "tpm/codec/tpm20_frame.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {

namespace t20 = tpm::tpm20;

namespace {

using level = stubdom_services_if::level;
using digest_t = std::array<std::byte, 20>;

constexpr std::size_t platform_password_size = 32;
constexpr std::uint32_t max_sessions = 3;
constexpr std::array<std::uint16_t, 2> kept_banks{t20::alg::sha1, t20::alg::sha256};
constexpr std::array<std::uint16_t, 2> refused_banks{0x000C, 0x000D};  // SHA-384, SHA-512

bytes header_only(std::uint32_t code) {
    return t20::plain(code, {});
}

bytes by_platform(std::uint32_t code, const tpm::wire_writer& parameters) {
    return t20::with_password(code, t20::one_handle(t20::handle::platform), {}, parameters);
}

/// TPM2_PCR_Allocate: all 24 PCRs in the kept banks, none in the others. It takes effect at the next
/// power-on.
bytes allocate_banks() {
    tpm::wire_writer selection;
    selection.u32(kept_banks.size() + refused_banks.size());
    for (const std::uint16_t bank : kept_banks)
        selection.u16(bank).u8(max_select).u8(0xFF).u8(0xFF).u8(0xFF);
    for (const std::uint16_t bank : refused_banks)
        selection.u16(bank).u8(max_select).u8(0).u8(0).u8(0);
    return by_platform(t20::cc::pcr_allocate, selection);
}

/// Success when a session area holds password sessions only.
std::uint32_t refuse_sessions(byte_view area) {
    tpm::wire_reader in(area);
    for (std::uint32_t number = 1; !in.at_end(); ++number) {
        const std::uint32_t handle = in.u32();
        in.view(in.u16());  // nonceCaller
        in.u8();            // sessionAttributes
        in.view(in.u16());  // the password
        if (!in.ok() || number > max_sessions)
            return t20::rc::auth_size;
        if (handle != t20::handle::password_session)
            return t20::rc::handle + t20::rc::session_number + number * 0x100;
    }
    return t20::rc::success;
}

}  // namespace

digest_t deep_quote20_inner(byte_view nonce, byte_view attest, byte_view signature, std::uint8_t locality) {
    constexpr std::array marker{std::byte{'D'}, std::byte{'Q'}, std::byte{'T'}, std::byte{'2'}};
    const auto quoted = sha1_of(tpm::concat({attest, signature}));
    const auto external = sha1_of(tpm::concat({nonce, quoted}));
    return sha1_of(tpm::wire_writer().u32(0).raw(marker).raw(external).u8(locality).data());
}

vtpm20::vtpm20(tpm::libtpms_engine& engine, tpm_transport_if& manager, tpm::entropy_if& random,
               stubdom_services_if& services, const software_costs& costs)
    : m_engine(engine), m_manager(manager), m_random(random), m_services(services), m_costs(costs) {}

std::uint32_t vtpm20::send(byte_view command) {
    const auto response = t20::parse_response(m_engine.execute(command, 0));
    return response ? response->code : static_cast<std::uint32_t>(t20::rc::failure);
}

bool vtpm20::make_fresh() {
    m_engine.erase();
    m_engine.power_cycle();
    if (const auto code = send(t20::startup(t20::su::clear)); code != t20::rc::success) {
        m_services.log(level::error, fmt::format("the TPM cannot be started: code 0x{:X}", code));
        return false;
    }
    if (const auto code = send(allocate_banks()); code != t20::rc::success)
        m_services.log(level::error, fmt::format("the PCR banks cannot be set: code 0x{:X}", code));
    shut_down();
    m_engine.power_cycle();
    return start();
}

bool vtpm20::start() {
    std::uint32_t code = send(t20::startup(t20::su::clear));
    if (code == t20::rc::success)
        code = send(t20::self_test(true));
    if (code == t20::rc::success) {
        bytes password(platform_password_size);
        m_random.fill(password);
        code = send(by_platform(t20::cc::hierarchy_change_auth, tpm::wire_writer().sized16(password)));
    }
    if (code != t20::rc::success)
        m_services.log(level::error, fmt::format("the TPM does not start: code 0x{:X}", code));
    return code == t20::rc::success;
}

void vtpm20::shut_down() {
    send(t20::shutdown(t20::su::clear));
}

bytes vtpm20::execute(byte_view command, std::uint8_t locality) {
    if (tpm::load_be32(command.subspan(tpm::packet::code_at, 4)) == t20::cc::deep_quote)
        return deep_quote(command, locality);
    return m_engine.execute(command, locality);
}

/// TPM2_Quote's handle, session area and parameters; then TPM_PCR_SELECTION and u32 flags.
std::optional<vtpm20::request> vtpm20::parse(byte_view command, std::uint32_t& code) {
    code = t20::rc::command_size;
    tpm::wire_reader in(command);
    const std::uint16_t tag = in.u16();
    const std::uint32_t size = in.u32();
    in.u32();
    in.u32();  // signHandle
    const auto sessions = in.view(in.u32());
    request out;
    out.nonce = in.sized16();
    if (in.u16() != t20::alg::null)  // inScheme: the key's own
        in.fail();
    const std::uint32_t banks = in.u32();
    for (std::uint32_t i = 0; i < banks && in.ok(); ++i) {
        in.u16();
        in.view(in.u8());
    }
    const std::size_t end_of_quote = in.position();
    const std::uint16_t selected = in.u16();
    if (selected > max_select)
        in.fail();
    out.hardware_selection = in.raw(selected);
    out.flags = in.u32();
    if (!in.ok() || !in.at_end() || tag != t20::tag_sessions || size != command.size())
        return std::nullopt;
    code = refuse_sessions(sessions);
    if (code != t20::rc::success)
        return std::nullopt;
    out.quote.assign(command.begin(), command.begin() + static_cast<std::ptrdiff_t>(end_of_quote));
    const std::span<std::byte> quote(out.quote);
    tpm::store_be32(quote.subspan(2, 4), static_cast<std::uint32_t>(end_of_quote));
    tpm::store_be32(quote.subspan(tpm::packet::code_at, 4), t20::cc::quote);
    return out;
}

bytes vtpm20::deep_quote(byte_view command, std::uint8_t locality) {
    std::uint32_t code = t20::rc::success;
    const auto request = parse(command, code);
    if (!request)
        return header_only(code);
    bytes quoted = m_engine.execute(request->quote, locality);
    const auto response = t20::parse_response(quoted);
    if (!response || response->code != t20::rc::success)
        return response ? quoted : header_only(t20::rc::failure);

    tpm::wire_reader in(response->handle_and_parameters);
    tpm::wire_reader parameters(in.view(in.u32()));
    const auto attest = parameters.view(parameters.u16());
    const auto signature = parameters.view(parameters.remaining());
    const auto sessions = in.view(in.remaining());
    if (!in.ok() || !parameters.ok())
        return header_only(t20::rc::failure);
    std::uint32_t status = tpm_fail;
    const auto inner = deep_quote20_inner(request->nonce, attest, signature, locality);
    const auto body = ask_manager(*request, inner, status);
    if (!body)
        return error_reply(status);

    tpm::wire_writer answer, out;
    answer.sized16(attest).raw(signature).sized16(*body);
    out.sized32(answer.data()).raw(sessions);
    return t20::framed(t20::tag_sessions, t20::rc::success, out.data());
}

std::optional<bytes> vtpm20::ask_manager(const request& request, std::span<const std::byte, 20> inner,
                                         std::uint32_t& status) {
    tpm::wire_writer quote;
    const auto selection = static_cast<std::uint16_t>(request.hardware_selection.size());
    quote.u16(vtpm_tag_req).u32(36u + selection).u32(vtpm_ord_get_quote).raw(inner);
    quote.u16(selection).raw(request.hardware_selection).u32(request.flags);
    const auto reply = m_manager.transmit(quote.data());
    if (!reply || reply.response.size() < t20::header_size)
        return std::nullopt;
    status = tpm::load_be32(byte_view(reply.response).subspan(tpm::packet::code_at, 4));
    if (status != 0)
        return std::nullopt;
    return bytes(reply.response.begin() + t20::header_size, reply.response.end());
}

sc_core::sc_time vtpm20::public_key_cost(std::uint32_t code) const {
    switch (code) {
        case t20::cc::create_primary:
        case t20::cc::create:
            return m_costs.rsa_keygen;
        case t20::cc::quote:
        case t20::cc::deep_quote:
        case t20::cc::sign:
        case t20::cc::rsa_decrypt:
        case t20::cc::activate_credential:
            return m_costs.rsa_private;
        case t20::cc::rsa_encrypt:
            return m_costs.rsa_public;
        default:
            return sc_core::SC_ZERO_TIME;
    }
}

/// TPM 1.2 codes have no place in a TPM 2.0 response, whose upper layers would take them for its warnings.
bytes vtpm20::error_reply(std::uint32_t code12) {
    return header_only(code12 == tpm_bad_ordinal ? t20::rc::command_code : t20::rc::failure);
}

}  // namespace vtwin::models
