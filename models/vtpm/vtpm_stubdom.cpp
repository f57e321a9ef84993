#include "models/vtpm/vtpm_stubdom.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "models/domain_crash.h"
#include "models/vtpm/packet_numbers.h"
#include "tpm/codec/wire.h"
#include "tpm/engine/firmware12.h"

namespace vtwin::models {
namespace {

using level = stubdom_services_if::level;

constexpr std::uint32_t ord_random = 70, ord_self_test_full = 80, ord_get_capability = 101,
                        ord_physical_enable = 111, ord_physical_set_deactivated = 114, ord_create_ek = 120,
                        ord_create_revocable_ek = 127, ord_save_state = 152, ord_startup = 153,
                        ord_take_ownership = 13, ord_create_wrap_key = 31, ord_make_identity = 121,
                        ord_quote = 22, ord_sign = 60, ord_seal = 23, ord_unseal = 24, ord_load_key2 = 65,
                        ord_activate_identity = 122;
constexpr std::array<std::uint32_t, 5> maintenance_ordinals{44, 45, 46, 47, 48};
constexpr std::size_t peer_label_capacity = 512;

/// What the vTPM says of itself where it differs from libtpms: TIS time-outs and durations in microseconds
/// and the size of a tpmif page (Xen's patches to the emulator).
struct capability_answer {
    std::uint32_t property;
    std::array<std::uint32_t, 4> values;
    std::size_t count;
};
constexpr std::array capability_answers{
    capability_answer{0x115, {750000, 2000000, 750000, 750000}, 4},
    capability_answer{0x120, {3000000, 3000000, 600000000}, 3},
    capability_answer{0x124, {4088}, 1},
};
constexpr std::uint32_t capability_property = 5;

std::uint16_t tag_of(byte_view packet) {
    return tpm::load_be16(packet.first(2));
}

bytes command(std::uint32_t ordinal, byte_view parameters) {
    tpm::wire_writer out;
    out.u16(tag_command).u32(static_cast<std::uint32_t>(header_size + parameters.size())).u32(ordinal);
    return out.raw(parameters).take();
}

}  // namespace

vtpm_stubdom::vtpm_stubdom(const vtpm_params& params, std::string_view command_line,
                           tpm::libtpms_engine& engine, entropy_relay& entropy, tpm_backend_if& clients,
                           tpm_transport_if& manager, block_file_if& disk, stubdom_services_if& services)
    : m_params(params),
      m_command_line(command_line),
      m_engine(engine),
      m_entropy(entropy),
      m_clients(clients),
      m_manager(manager),
      m_services(services),
      m_random([this](std::size_t wanted) { return gather_entropy(wanted); }),
      m_image(disk, manager, m_random, m_params.behaviours, m_params.costs, services,
              engine.version() == tpm::family::tpm20 ? record_form::sha256 : record_form::sha1),
      m_deep_quoter(engine, m_sessions, manager, m_params.behaviours) {
    if (engine.version() == tpm::family::tpm20)
        m_two.emplace(engine, manager, m_random, services, m_params.costs);
}

void vtpm_stubdom::run() {
    std::string problem;
    auto options = parse_vtpm_options(m_command_line, problem);
    if (!options) {
        log(level::error, problem);
        return;
    }
    m_options = std::move(*options);
    for (const auto& word : m_options.unknown)
        log(level::error, fmt::format("unknown option '{}'", word));
    if (!m_random.seed()) {
        log(level::warning, "the manager gave no entropy: the generator is predictable");
        if (m_params.behaviours.hardened(behaviour::vtpm_rng_seed_errors_ignored))
            return;
    }
    m_entropy.connect(m_engine_random);
    if (m_params.open_disk && !m_params.open_disk()) {
        log(level::error, "no disk: shutting down");
        return;
    }
    if (!start_tpm())
        return;
    serve();
    // Orderly end: the engine stores once more, as its SaveState does.
    if (m_two)
        m_two->shut_down();
    if (m_options.startup != vtpm_options::startup_mode::deactivated && m_params.save_after_command)
        save();
}

/// One TPM_GetRandom through the manager; what came, and never more than was asked for.
bytes vtpm_stubdom::gather_entropy(std::size_t wanted) {
    tpm::wire_writer count;
    count.u32(static_cast<std::uint32_t>(wanted));
    const auto reply = m_manager.transmit(command(ord_random, count.data()));
    if (!reply || reply.response.size() < header_size + 4 ||
        tpm::packet::code_of(reply.response) != tpm_success)
        return {};
    const byte_view received = byte_view(reply.response).subspan(header_size + 4);
    const std::size_t promised = tpm::load_be32(byte_view(reply.response).subspan(header_size, 4));
    const byte_view usable = received.first(std::min({received.size(), promised, wanted}));
    return {usable.begin(), usable.end()};
}

bool vtpm_stubdom::start_tpm() {
    if (m_options.startup == vtpm_options::startup_mode::deactivated &&
        m_params.behaviours.hardened(behaviour::vtpm_deactivated_start_erases_state)) {
        log(level::error, "start mode deactivated would lose the stored state: refused");
        return false;
    }
    bytes image;
    const auto error = m_image.load(image);
    const bool restored = error == image_error::none && restore(image);
    if (!restored) {
        const bool unknown = error == image_error::manager_unknown_uuid;
        log(unknown ? level::info : level::warning,
            fmt::format("no saved state ({}): starting with a fresh TPM",
                        error == image_error::none ? "unreadable image" : to_string(error)));
        if (!unknown && m_params.behaviours.hardened(behaviour::vtpm_load_error_becomes_fresh_tpm)) {
            log(level::error, "saved state exists but cannot be read: refusing to start");
            return false;
        }
        if (!make_fresh_tpm())
            return false;
    }
    if (m_options.startup == vtpm_options::startup_mode::deactivated)
        m_image.save({});
    return true;
}

bool vtpm_stubdom::restore(const bytes& image) {
    tpm::wire_reader in(image);
    const auto permanent = in.view(in.u32());
    const auto volatile_part = in.view(in.u32());
    if (!in.ok() || in.remaining() != 0)
        return false;
    const bool keep_volatile =
        m_options.startup == vtpm_options::startup_mode::state && !volatile_part.empty();
    if (!m_engine.set_state(tpm::state_kind::permanent, permanent) ||
        (keep_volatile && !m_engine.set_state(tpm::state_kind::volatile_state, volatile_part)))
        return false;
    m_sessions.clear();
    m_engine.power_cycle();
    return keep_volatile || power_on_and_start();
}

/// Fresh data: enabled, activated, a new endorsement key; then SelfTestFull and Startup as the emulator does.
bool vtpm_stubdom::make_fresh_tpm() {
    m_sessions.clear();
    if (m_two)
        return m_fresh = m_two->make_fresh();
    m_engine.erase();
    m_engine.power_cycle();
    if (const auto code = tpm::make_ready_for_use(m_engine); code != tpm_success)
        log(level::error, fmt::format("the TPM cannot be enabled: code {}", code));
    m_engine.power_cycle();
    power_on_and_start();
    make_endorsement_key();
    return m_fresh = true;
}

void vtpm_stubdom::make_endorsement_key() {
    tpm::wire_writer ek;
    std::array<std::byte, 20> anti_replay{}, reset_nonce{};
    ek.raw(anti_replay);
    ek.u32(1).u16(3).u16(1).u32(12).u32(2048).u32(2).u32(0);
    if (m_params.behaviours.hardened(behaviour::vtpm_revoketrust_nonce_constant)) {
        m_random.fill(reset_nonce);
    } else {
        constexpr std::array<std::uint8_t, 4> constant{0xDE, 0xAD, 0xBE, 0xEF};
        std::ranges::transform(constant, reset_nonce.begin(), [](auto octet) { return std::byte{octet}; });
    }
    ek.u8(0).raw(reset_nonce);  // inputEKreset given, not generated
    m_services.charge(m_params.costs.rsa_keygen);
    const bytes answer = engine_command(command(ord_create_revocable_ek, ek.data()), 0);
    if (tpm::packet::code_of(answer) != tpm_success)
        log(level::error, fmt::format("no endorsement key: code {}", tpm::packet::code_of(answer)));
}

bool vtpm_stubdom::power_on_and_start() {
    if (m_two)
        return m_two->start();
    engine_command(command(ord_self_test_full, {}), 0);
    tpm::wire_writer mode;
    mode.u16(static_cast<std::uint16_t>(vtpm_options::startup_mode::clear));
    engine_command(command(ord_startup, mode.data()), 0);
    return true;
}

void vtpm_stubdom::tpm_init() {
    m_sessions.clear();
    m_engine.power_cycle();
}

bytes vtpm_stubdom::engine_command(byte_view packet, std::uint8_t locality) {
    bytes response = m_engine.execute(packet, locality);
    m_sessions.observe(packet, response);
    return response;
}

void vtpm_stubdom::serve() {
    log(level::info, "serving clients");
    while (true) {
        const auto request = m_clients.next_request();
        if (!request) {
            if (m_clients.is_closed() ||
                m_params.behaviours.faithful(behaviour::vtpm_null_request_stops_domain))
                return;
            m_services.yield();
            continue;
        }
        m_services.charge(m_params.costs.command_dispatch);
        const bytes response = request->command.empty() ? bytes{} : handle(*request);
        m_clients.respond(*request, response);
    }
}

std::optional<bytes> vtpm_stubdom::refuse_by_locality(const tpm_request& request) {
    if (m_options.rules.empty()) {
        const bool allowed = m_params.behaviours.faithful(behaviour::vtpm_client_locality_unrestricted) ||
                             request.locality == 0;
        return allowed ? std::nullopt : std::optional(error_reply(request.command, tpm_fail));
    }
    const auto key = std::pair(xen::to_underlying(request.domid), request.handle);
    auto known = m_localities.find(key);
    if (known == m_localities.end()) {
        std::string label;
        if (m_clients.peer_label(request.domid, request.handle, peer_label_capacity, label) < 0) {
            if (m_params.behaviours.faithful(behaviour::vtpm_peer_label_error_is_fatal))
                throw domain_crash("label of the client cannot be read");
            return error_reply(request.command, tpm_fail);
        }
        const bool checked = m_params.behaviours.hardened(behaviour::vtpm_locality_wildcard_null_dereference);
        const auto match = match_locality(m_options.rules, label, checked);
        if (match.outcome == locality_match::kind::null_dereference)
            throw domain_crash("locality rule compared with a null pointer");
        if (match.outcome == locality_match::kind::no_rule)
            return error_reply(request.command, tpm_fail);
        known = m_localities.emplace(key, client{match.allowed}).first;
    }
    if (!known->second.localities.test(request.locality))
        return error_reply(request.command, tpm_fail);
    return std::nullopt;
}

bytes vtpm_stubdom::handle(const tpm_request& request) {
    if (auto refusal = refuse_by_locality(request))
        return *refusal;
    if (request.command.size() >= header_size) {
        const std::uint16_t tag = tag_of(request.command);
        if (tag == vtpm_tag_req2)
            return forward_to_manager(request.command, vtpm_tag_req2);
        if (tag == vtpm_tag_req)
            return forward_to_manager(request.command, tag_command);
        if (!m_two && !m_options.maintenance_commands &&
            std::ranges::count(maintenance_ordinals, tpm::packet::code_of(request.command)))
            return error_reply(request.command, tpm_bad_ordinal);
    }
    return execute(request);
}

/// 0x01C1 becomes 0x00C1, so that a guest can never speak to the manager as a vTPM; 0x01C2 goes unchanged.
bytes vtpm_stubdom::forward_to_manager(bytes packet, std::uint16_t tag) {
    tpm::store_be16(std::span(packet).first(2), tag);
    const auto reply = m_manager.transmit(packet);
    if (reply)
        return reply.response;
    if (m_params.behaviours.hardened(behaviour::vtpm_passthrough_transport_error_ignored))
        return error_reply(packet, tpm_fail);
    return {};  // null response: an empty answer reaches the guest
}

bytes vtpm_stubdom::execute(const tpm_request& request) {
    const byte_view packet = request.command;
    if (packet.size() < header_size)
        return error_reply(packet, tpm_fail);
    const std::uint32_t ordinal = tpm::packet::code_of(packet);
    if (m_store_failed)
        return error_reply(packet, tpm_fail);
    // libtpms knows localities 0 to 4; the emulator masks with the low five bits (W-52).
    const bool wraps = m_params.behaviours.faithful(behaviour::vtpm_locality_wraps_modulo_32);
    const std::uint8_t locality = wraps ? request.locality % 32 : request.locality;
    if (locality > 4)
        return error_reply(packet, tpm_fail);
    const auto begin = m_services.now();
    const auto cost = charge_command(ordinal);
    bytes response = execute_by_engine(request, locality);
    if (m_params.on_executed && response.size() >= header_size)
        m_params.on_executed(
            {begin, begin + cost, ordinal, tpm::packet::code_of(response), locality, packet, response, {}});
    m_random.reseed_when_due();
    if (response.size() < header_size)
        return error_reply(packet, tpm_fail);
    if (tpm::packet::code_of(response) != tpm_success)
        return response;
    adjust_capability_answer(packet, response);
    // Every success rewrites the whole image before the response is released; SaveState does so twice.
    const int saves = !m_params.save_after_command ? 0 : !m_two && ordinal == ord_save_state ? 2 : 1;
    for (int i = 0; i < saves; ++i) {
        if (save() || m_params.behaviours.faithful(behaviour::vtpm_store_failure_reported_as_success))
            continue;
        m_store_failed = true;
        return error_reply(packet, tpm_fail);
    }
    return response;
}

bytes vtpm_stubdom::execute_by_engine(const tpm_request& request, std::uint8_t locality) {
    const byte_view packet = request.command;
    if (m_two)
        return m_two->execute(packet, locality);
    if (tpm::packet::code_of(packet) == ord_create_ek)
        return error_reply(packet, 8);  // the emulator always answers TPM_DISABLED_CMD
    if (auto quoted = m_deep_quoter.execute(packet, request.locality, m_fresh))
        return std::move(*quoted);
    return engine_command(packet, locality);
}

void vtpm_stubdom::adjust_capability_answer(byte_view packet, bytes& response) const {
    tpm::wire_reader in(packet);
    in.u16();
    in.u32();
    if (m_two || in.u32() != ord_get_capability || in.u32() != capability_property || in.u32() != 4)
        return;
    const std::uint32_t property = in.u32();
    const auto* answer = std::ranges::find(capability_answers, property, &capability_answer::property);
    if (!in.ok() || answer == capability_answers.end())
        return;
    tpm::wire_writer out;
    const auto size = static_cast<std::uint32_t>(answer->count * 4);
    out.u16(tag_response).u32(static_cast<std::uint32_t>(header_size + 4 + size)).u32(tpm_success).u32(size);
    for (std::size_t i = 0; i < answer->count; ++i)
        out.u32(answer->values[i]);
    response = out.take();
}

/// What the execution of a command costs.
sc_core::sc_time vtpm_stubdom::charge_command(std::uint32_t ordinal) {
    const auto& costs = m_params.costs;
    const auto common = m_two ? costs.vtpm20_command : costs.vtpm_command;
    const auto work = m_two ? m_two->public_key_cost(ordinal) : public_key_cost(ordinal);
    if (work != sc_core::SC_ZERO_TIME)
        m_services.charge(work);
    m_services.charge(common);
    return work + common;
}

sc_core::sc_time vtpm_stubdom::public_key_cost(std::uint32_t ordinal) const {
    const auto& costs = m_params.costs;
    switch (ordinal) {
        case ord_take_ownership:
        case ord_create_wrap_key:
        case ord_make_identity:
            return costs.rsa_keygen;
        case ord_quote:
        case ord_sign:
        case ord_unseal:
        case ord_load_key2:
        case ord_activate_identity:
            return costs.rsa_private;
        case ord_seal:
            return costs.rsa_public;
        default:
            return sc_core::SC_ZERO_TIME;
    }
}

/// The image is opaque to everybody but the engine: u32 length and permanent state, u32 length and volatile
/// state.
bool vtpm_stubdom::save() {
    const bytes permanent = m_engine.get_state(tpm::state_kind::permanent);
    const bytes volatile_part = m_engine.get_state(tpm::state_kind::volatile_state);
    tpm::wire_writer image;
    image.u32(static_cast<std::uint32_t>(permanent.size())).raw(permanent);
    image.u32(static_cast<std::uint32_t>(volatile_part.size())).raw(volatile_part);
    const auto error = m_image.save(image.data());
    if (error != image_error::none)
        log(level::warning, fmt::format("state not stored: {}", to_string(error)));
    return error == image_error::none;
}

bytes vtpm_stubdom::error_reply(byte_view request, std::uint32_t code) const {
    if (m_two && (request.size() < 2 || tag_of(request) < vtpm_tag_req || tag_of(request) > vtpm_tag_req2))
        return vtpm20::error_reply(code);
    const bool faithful = m_params.behaviours.faithful(behaviour::vtpm_error_reply_carries_request_tag);
    std::uint16_t tag = tag_response;
    if (request.size() >= 2 && tag_of(request) != tag_command) {
        const std::uint16_t asked = tag_of(request);
        const bool authorised = asked == tag_auth1 || asked == tag_auth2;
        tag = authorised ? (faithful ? tag_auth2 : tag_response) : asked;
    }
    tpm::wire_writer out;
    return out.u16(tag).u32(header_size).u32(code).take();
}

}  // namespace vtwin::models
