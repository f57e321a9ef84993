// The TPM 2.0 part of Linux' TPM core. Source: drivers/char/tpm/tpm2-cmd.c, tpm-interface.c (6.1).
#include "models/drivers/linux_tpm_chip.h"

#include <algorithm>

#include "tpm/codec/tpm20.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {

using sc_core::sc_time;
using xen::errno_t;

namespace t20 = tpm::tpm20;

namespace {

// TPMA_CC: bit 29 (vendor's) and the index make the code; bits 25 to 27 count the handles of the command.
constexpr std::uint32_t cc_code_mask = 0x2000FFFF;
constexpr unsigned cc_handles_shift = 25;

}  // namespace

sc_time linux_tpm_chip::duration20_of(std::uint32_t code) const {
    constexpr std::uint32_t hierarchy_control = 0x121, create_loaded = 0x191, nv_read = 0x14E,
                            verify_signature = 0x177, event_sequence_complete = 0x185,
                            sequence_update = 0x15C, sequence_complete = 0x13E, hash_sequence_start = 0x186;
    switch (code) {
        case t20::cc::startup:
        case t20::cc::pcr_extend:
        case t20::cc::get_capability:
        case sequence_update:
        case sequence_complete:
        case event_sequence_complete:
        case hash_sequence_start:
            return m_params.linux_tpm20_medium;
        case t20::cc::self_test:
        case t20::cc::get_random:
        case t20::cc::hierarchy_change_auth:
        case hierarchy_control:
        case verify_signature:
        case nv_read:
            return m_params.linux_tpm20_long;
        case t20::cc::create_primary:
        case t20::cc::create:
        case create_loaded:
            return m_params.linux_tpm20_long_long;
        default:
            return m_params.linux_default_duration;
    }
}

/// A TPM 2.0 may ask for the same command once more; the pauses double until they are longer than the long
/// duration. A self test that is under way is an answer of its own.
int linux_tpm_chip::transmit_until_tested(byte_view command, bytes& response) {
    sc_time pause = m_params.linux_tpm20_short;
    while (true) {
        const int result = try_transmit(command, response);
        if (result < 0 || !m_is_tpm20) {
            return result;
        }
        const std::uint32_t code = tpm::packet::code_of(response);
        const bool again = code == t20::rc::retry ||
                           (code == t20::rc::testing && tpm::packet::code_of(command) != t20::cc::self_test);
        if (!again || pause > m_params.linux_tpm20_long) {
            return result;
        }
        m_kernel.sleep(pause);
        pause *= 2;
    }
}

int linux_tpm_chip::probe_tpm20() {
    return with_chip([this] { return probe_family(); });
}

int linux_tpm_chip::start_tpm20() {
    return with_chip([this] { return start_family20(); });
}

int linux_tpm_chip::probe_family() {
    bytes response;
    const int length =
        transmit_held(t20::get_capability(t20::cap::tpm_properties, t20::cap::total_commands, 1), response);
    if (length < 0) {
        return length;
    }
    m_is_tpm20 = tpm::load_be16(byte_view(response).first(2)) == t20::tag_no_sessions;
    return 0;
}

int linux_tpm_chip::start_family20() {
    m_timeouts = {m_params.linux_tpm20_timeout_a, m_params.linux_tpm20_timeout_b,
                  m_params.linux_tpm20_timeout_c, m_params.linux_tpm20_timeout_d};
    m_durations = {m_params.linux_tpm20_short, m_params.linux_tpm20_medium, m_params.linux_tpm20_long};
    int result = self_test_tpm20();
    if (result == t20::rc::initialize) {
        bytes started;
        result = command_held(t20::startup(t20::su::clear), started);
        if (result == 0) {
            result = self_test_tpm20();
        }
    }
    if (result == 0) {
        result = read_command_table();
    }
    if (result != 0) {
        m_kernel.log(kernel::level::error, fmt::format("tpm: A TPM error ({}) at its start", result));
        return result;
    }
    bytes response;
    result = command_held(t20::get_capability(t20::cap::pcrs, 0, 1), response);
    const auto parsed = t20::parse_response(response);
    if (result == 0 && parsed) {
        m_banks = t20::banks_of(*parsed).value_or(std::vector<std::uint16_t>{});
    }
    return result;
}

/// Only what was not tested yet; when that does not succeed, everything.
int linux_tpm_chip::self_test_tpm20() {
    int result = 0;
    for (const bool full : {false, true}) {
        bytes response;
        result = command_held(t20::self_test(full), response);
        if (result == t20::rc::testing) {
            result = 0;
        }
        if (result == 0 || result == t20::rc::initialize) {
            break;
        }
    }
    return result;
}

/// tpm2_get_cc_attrs_tbl: how many commands there are, then their attributes. The list must be as long as the
/// number said.
int linux_tpm_chip::read_command_table() {
    constexpr std::size_t property_body = 17, value_at = tpm::packet::body_at + 13,
                          count_at = tpm::packet::body_at + 5, table_head = 9, most_commands = 0xFFFFF;
    constexpr std::uint32_t handles_mask = 7u << cc_handles_shift, one_handle = 1u << cc_handles_shift;
    bytes response;
    int result = command_held(t20::get_capability(t20::cap::tpm_properties, t20::cap::total_commands, 1),
                              response, property_body);
    if (result != 0) {
        return result;
    }
    const std::uint32_t commands = tpm::load_be32(byte_view(response).subspan(value_at, 4));
    if (commands > most_commands) {
        return -static_cast<int>(errno_t::efault);
    }
    result = command_held(t20::get_capability(t20::cap::commands, t20::cap::first_command, commands),
                          response, table_head + 4 * commands);
    if (result != 0) {
        return result;
    }
    const byte_view table(response);
    if (tpm::load_be32(table.subspan(count_at, 4)) != commands) {
        return -static_cast<int>(errno_t::efault);
    }
    m_commands.clear();
    for (std::uint32_t i = 0; i < commands; ++i) {
        std::uint32_t attributes =
            tpm::load_be32(table.subspan(tpm::packet::body_at + table_head + 4 * i, 4));
        const std::uint32_t code = attributes & cc_code_mask;
        // Their handle is a parameter, which a resource manager translates all the same.
        if (code == t20::cc::flush_context || code == t20::cc::context_save) {
            attributes = (attributes & ~handles_mask) | one_handle;
        }
        m_commands.push_back(attributes);
    }
    return 0;
}

std::optional<std::uint32_t> linux_tpm_chip::attributes_of(std::uint32_t code) const {
    const auto found =
        std::ranges::find(m_commands, code, [](std::uint32_t each) { return each & cc_code_mask; });
    return found == m_commands.end() ? std::nullopt : std::optional(*found);
}

}  // namespace vtwin::models
