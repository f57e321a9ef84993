#include "models/drivers/minios_tpm_tis.h"

#include <algorithm>

#include "models/drivers/linux_tpm_chip.h"
#include "models/drivers/tis_registers.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {

using sc_core::sc_time;

namespace {

constexpr std::size_t values_at = 14;

constexpr std::array<std::uint8_t, 22> get_timeouts{0x00, 0xC1, 0, 0, 0, 22, 0, 0, 0, 0x65, 0,
                                                    0,    0,    5, 0, 0, 0,  4, 0, 0, 1,    0x15};
constexpr std::array<std::uint8_t, 22> get_durations{0x00, 0xC1, 0, 0, 0, 22, 0, 0, 0, 0x65, 0,
                                                     0,    0,    5, 0, 0, 0,  4, 0, 0, 1,    0x20};
constexpr std::array<std::uint8_t, 10> continue_self_test{0x00, 0xC1, 0, 0, 0, 10, 0, 0, 0, 0x53};
constexpr std::array<std::uint8_t, 11> self_test20{0x80, 0x01, 0, 0, 0, 11, 0, 0, 1, 0x43, 1};

}  // namespace

minios_tpm_tis::minios_tpm_tis(kernel& owner, const behaviour_set& behaviours, tpm::family version,
                               driver_params params)
    : m_kernel(owner), m_behaviours(behaviours), m_version(version), m_params(std::move(params)) {}

// ---- locality

bool minios_tpm_tis::has_locality() {
    constexpr std::uint8_t owner = access_valid | access_active;
    return (read8(access_at) & owner) == owner;
}

bool minios_tpm_tis::request_locality() {
    if (has_locality()) {
        return true;
    }
    write8(access_at, access_request);
    if (has_locality()) {
        return true;
    }
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + m_timeouts[0];
    do {
        m_kernel.sleep(m_params.tis_poll);
        if (has_locality()) {
            return true;
        }
    } while (m_kernel.now() < stop);
    return false;
}

// Only handed over when somebody asks for it, unless told otherwise.
void minios_tpm_tis::release_locality() {
    constexpr std::uint8_t asked = access_valid | access_pending;
    if (!m_params.tis_keeps_locality || (read8(access_at) & asked) == asked) {
        write8(access_at, access_active);
    }
}

// ---- waiting

bool minios_tpm_tis::wait_for_status(std::uint8_t mask, const sc_time& timeout) {
    if ((read8(sts_at) & mask) == mask) {
        return true;
    }
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + timeout;
    do {
        m_kernel.sleep(m_params.tis_poll);
        if ((read8(sts_at) & mask) == mask) {
            return true;
        }
    } while (m_kernel.now() < stop);
    return false;
}

// Two byte reads, not atomic. 0 when the time is over.
std::uint32_t minios_tpm_tis::burst_count() {
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + m_timeouts[3];
    do {
        std::uint32_t count = read8(sts_at + 1);
        count |= static_cast<std::uint32_t>(read8(sts_at + 2)) << 8;
        if (count != 0) {
            return count;
        }
        m_kernel.sleep(m_params.tis_poll);
    } while (m_kernel.now() < stop);
    return 0;
}

// ---- sending

bool minios_tpm_tis::make_ready() {
    if ((read8(sts_at) & sts_ready) != 0) {
        return true;
    }
    write8(sts_at, sts_ready);
    return wait_for_status(sts_ready, m_timeouts[1]);
}

bool minios_tpm_tis::send_all_but_last(std::size_t count) {
    std::size_t sent = 0;
    while (sent + 1 < count) {
        std::uint32_t burst = burst_count();
        if (burst == 0 && m_behaviours.hardened(behaviour::tpm_tis_burst_zero_endless_loop)) {
            return false;
        }
        for (; burst > 0 && sent + 1 < count; --burst) {
            write8(fifo_at, std::to_integer<std::uint8_t>(m_buffer[sent++]));
        }
        const bool valid = wait_for_status(sts_valid, m_timeouts[2]);
        if (!valid && m_behaviours.hardened(behaviour::tpm_tis_sts_valid_wait_ignored)) {
            return false;
        }
        if ((read8(sts_at) & sts_expect) == 0) {
            return false;
        }
    }
    return true;
}

bool minios_tpm_tis::send_last(std::size_t count) {
    write8(fifo_at, std::to_integer<std::uint8_t>(m_buffer[count - 1]));
    const bool valid = wait_for_status(sts_valid, m_timeouts[2]);
    if (!valid && m_behaviours.hardened(behaviour::tpm_tis_sts_valid_wait_ignored)) {
        return false;
    }
    return (read8(sts_at) & sts_expect) == 0;
}

minios_tpm_tis::outcome minios_tpm_tis::send(std::size_t count) {
    if (!request_locality()) {
        return outcome::error;
    }
    if (!make_ready()) {
        return outcome::timed_out;
    }
    if (!send_all_but_last(count) || !send_last(count)) {
        write8(sts_at, sts_ready);
        release_locality();
        return outcome::error;
    }
    write8(sts_at, sts_go);
    return outcome::ok;
}

minios_tpm_tis::outcome minios_tpm_tis::wait_for_answer(std::uint32_t ordinal) {
    constexpr std::uint8_t answer = sts_valid | sts_data;
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + duration_of(ordinal);
    do {
        const std::uint8_t status = read8(sts_at);
        if ((status & answer) == answer) {
            return outcome::ok;
        }
        if (status == sts_ready) {
            return outcome::cancelled;
        }
        m_kernel.sleep(m_params.tis_poll);
    } while (m_kernel.now() < stop);
    write8(sts_at, sts_ready);
    return outcome::timed_out;
}

// ---- receiving

// Fills the buffer from `from` to `count`; returns how far it came. Beyond `limit` bytes are taken and lost.
std::size_t minios_tpm_tis::receive(std::size_t from, std::size_t count, std::size_t limit) {
    std::size_t taken = from;
    while (taken < count && wait_for_status(sts_data | sts_valid, m_timeouts[2])) {
        std::uint32_t burst = burst_count();
        if (burst == 0 && m_behaviours.hardened(behaviour::tpm_tis_burst_zero_endless_loop)) {
            break;
        }
        for (; burst > 0 && taken < count; --burst, ++taken) {
            const auto value = static_cast<std::byte>(read8(fifo_at));
            if (taken < limit) {
                m_buffer[taken] = value;
            } else {
                overrun(taken);
            }
        }
    }
    return taken;
}

void minios_tpm_tis::overrun(std::size_t at) {
    m_kernel.panic(fmt::format("tpm_tis: response written past the buffer at {}", at));
}

bool minios_tpm_tis::receive_response(bytes& response) {
    if (receive(0, tpm::packet::body_at, buffer_size) < tpm::packet::body_at) {
        return false;
    }
    std::size_t expected = tpm::packet::size_of(m_buffer);
    if (expected > buffer_size) {
        return false;
    }
    if (expected < tpm::packet::body_at) {
        if (m_behaviours.hardened(behaviour::tpm_tis_short_header_length_overrun)) {
            return false;
        }
        // The rest to be read is a negative number taken as unsigned: all that the TPM has is read.
        receive(tpm::packet::body_at, SIZE_MAX, buffer_size);
        return false;
    }
    if (receive(tpm::packet::body_at, expected, buffer_size) < expected) {
        return false;
    }
    (void)wait_for_status(sts_valid, m_timeouts[2]);
    if ((read8(sts_at) & sts_data) != 0) {
        return false;
    }
    response.assign(m_buffer.begin(), m_buffer.begin() + static_cast<std::ptrdiff_t>(expected));
    return true;
}

transport_result minios_tpm_tis::transmit(byte_view command) {
    const std::size_t handed_in = std::min(command.size(), buffer_size);
    std::copy_n(command.begin(), handed_in, m_buffer.begin());
    const std::uint32_t count = tpm::packet::size_of(m_buffer);
    if (count != command.size() && m_behaviours.hardened(behaviour::tpm_tis_length_from_packet_header)) {
        return {transport_error::io, {}};
    }
    if (count == 0) {
        return {transport_error::io, {}};
    }
    if (count > buffer_size) {
        return {transport_error::too_long, {}};
    }
    const std::uint32_t ordinal = tpm::packet::code_of(m_buffer);
    outcome result = send(count);
    if (result == outcome::ok) {
        result = wait_for_answer(ordinal);
    }
    if (result != outcome::ok) {
        return {result == outcome::timed_out   ? transport_error::timed_out
                : result == outcome::cancelled ? transport_error::cancelled
                                               : transport_error::io,
                {}};
    }
    transport_result answer;
    if (!receive_response(answer.response)) {
        answer.error = transport_error::io;
    }
    write8(sts_at, sts_ready);
    release_locality();
    return answer;
}

// ---- start

sc_time minios_tpm_tis::duration_of(std::uint32_t ordinal) const {
    const auto which = linux_tpm_chip::class_of(ordinal);
    const sc_time known = which == linux_tpm_chip::duration_class::undefined
                              ? sc_core::SC_ZERO_TIME
                              : m_durations[static_cast<std::size_t>(which)];
    return known == sc_core::SC_ZERO_TIME ? m_params.linux_default_duration : known;
}

void minios_tpm_tis::ask_timeouts() {
    const auto answer = transmit(std::as_bytes(std::span(get_timeouts)));
    if (!answer || answer.response.size() < values_at + 4 * m_timeouts.size()) {
        return;
    }
    const std::uint32_t a = tpm::load_be32(byte_view(answer.response).subspan(values_at, 4));
    const double scale = a != 0 && a < 1000 ? 1000 : 1;  // some chips answer in milliseconds
    for (std::size_t i = 0; i < m_timeouts.size(); ++i) {
        const sc_time value(tpm::load_be32(byte_view(answer.response).subspan(values_at + 4 * i, 4)) * scale,
                            sc_core::SC_US);
        m_timeouts[i] = std::max(m_timeouts[i], value);
    }
}

void minios_tpm_tis::ask_durations() {
    const auto answer = transmit(std::as_bytes(std::span(get_durations)));
    if (!answer || answer.response.size() < values_at + 4 * m_durations.size()) {
        return;
    }
    for (std::size_t i = 0; i < m_durations.size(); ++i) {
        m_durations[i] =
            sc_time(tpm::load_be32(byte_view(answer.response).subspan(values_at + 4 * i, 4)), sc_core::SC_US);
    }
    if (m_durations[0] < sc_time(10, sc_core::SC_MS)) {
        m_durations[0] = sc_time(1, sc_core::SC_SEC);
        m_durations[1] *= 1000;
        m_durations[2] *= 1000;
    }
}

bool minios_tpm_tis::init(unsigned locality) {
    m_base = first_page + locality * locality_size;
    m_timeouts = {m_params.tis_timeout_a, m_params.tis_timeout_b, m_params.tis_timeout_c,
                  m_params.tis_timeout_d};
    m_durations.fill(sc_core::SC_ZERO_TIME);
    if (!request_locality()) {
        m_kernel.log(kernel::level::error, fmt::format("tpm_tis: locality {} not granted", locality));
        return false;
    }
    m_did_vid = m_kernel.mmio_read32(m_base + did_vid_at);
    m_rid = read8(rid_at);
    (void)m_kernel.mmio_read32(m_base + intf_capability_at);
    const std::uint32_t enabled = m_kernel.mmio_read32(m_base + int_enable_at);
    m_kernel.mmio_write32(m_base + int_enable_at, enabled | interrupt_sources);
    if (m_version == tpm::family::tpm20) {
        (void)transmit(std::as_bytes(std::span(self_test20)));
        return true;
    }
    ask_timeouts();
    ask_durations();
    (void)transmit(std::as_bytes(std::span(continue_self_test)));
    return true;
}

}  // namespace vtwin::models
