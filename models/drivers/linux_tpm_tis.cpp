#include "models/drivers/linux_tpm_tis.h"

#include <algorithm>

#include "models/drivers/linux_errno.h"
#include "models/drivers/tis_registers.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {

using sc_core::sc_time;
using xen::errno_t;

namespace {

constexpr std::uint8_t sts_reads_zero = 0x23;
constexpr std::uint32_t global_interrupt = 0x80000000;

constexpr std::uint16_t vendor_atmel = 0x1114, vendor_intel = 0x8086, vendor_st = 0x104A,
                        vendor_winbond = 0x1050;
constexpr std::uint32_t atmel_3204 = 0x32041114, st_first = 0x0000104A;

constexpr std::array<std::uint8_t, 10> get_ticks{0x00, 0xC1, 0, 0, 0, 10, 0, 0, 0, 0xF1};
constexpr std::array<std::uint8_t, 18> get_version{0x00, 0xC1, 0, 0, 0,    18, 0, 0, 0,
                                                   0x65, 0,    0, 0, 0x1A, 0,  0, 0, 0};

}  // namespace

linux_tpm_tis::linux_tpm_tis(kernel& owner, unsigned locality, driver_params params)
    : m_kernel(owner),
      m_params(std::move(params)),
      m_base(first_page + locality * locality_size),
      m_chip(owner, *this, m_params),
      m_poll(m_params.linux_tis_poll) {}

// ---- start

int linux_tpm_tis::init() {
    m_chip.reset();
    m_chip.assume_timeouts({m_params.linux_tis_timeout_a, m_params.linux_tis_timeout_b,
                            m_params.linux_tis_timeout_c, m_params.linux_tis_timeout_d});
    m_poll = m_params.linux_tis_poll;
    m_expect_ignored = m_told_invalid = false;
    const int result = set_up();
    if (result != 0) {
        write32(int_enable_at, read32(int_enable_at) & ~global_interrupt);
        m_kernel.log(kernel::level::error, fmt::format("tpm_tis: no TPM: error {}", result));
        return result < 0 ? result : error(errno_t::enodev);
    }
    return m_chip.register_chip();
}

int linux_tpm_tis::set_up() {
    m_did_vid = read32(did_vid_at);
    if (vendor() == vendor_atmel) {
        m_poll = m_params.linux_tis_poll_atmel;
    }
    if (!wait_for(&linux_tpm_tis::is_up)) {
        return error(errno_t::enodev);
    }
    const std::uint32_t interrupts = (read32(int_enable_at) | interrupt_sources) & ~global_interrupt;
    if (request_locality() < 0) {
        return error(errno_t::enodev);
    }
    write32(int_enable_at, interrupts);
    relinquish_locality();
    if (const int result = m_chip.probe_tpm20(); result != 0) {
        return result;
    }
    m_rid = read8(rid_at);
    m_kernel.log(kernel::level::info, fmt::format("tpm_tis: {} TPM (device-id 0x{:X}, rev-id {})",
                                                  m_chip.is_tpm20() ? "2.0" : "1.2", m_did_vid >> 16, m_rid));
    if (const int result = find_early_expect(); result != 0) {
        return result;
    }
    (void)read32(intf_capability_at);
    return m_chip.is_tpm20() ? m_chip.start_tpm20() : m_chip.auto_startup();
}

// A part of Intel's does not wait for the last byte to lower Expect: the same bytes are tried both ways.
int linux_tpm_tis::find_early_expect() {
    if (vendor() != vendor_intel) {
        return 0;
    }
    if (request_locality() < 0) {
        return error(errno_t::enodev);
    }
    const byte_view probe = std::as_bytes(std::span(get_ticks));
    int result = send_data(probe);
    if (result != 0) {
        m_expect_ignored = true;
        result = send_data(probe);
        if (result != 0) {
            m_expect_ignored = false;
            result = error(errno_t::enodev);
        }
    }
    cancel();
    relinquish_locality();
    return result;
}

std::optional<linux_tpm_driver_if::microseconds4> linux_tpm_tis::corrected_timeouts() {
    const auto in_us = [](const sc_time& time) {
        return static_cast<std::uint32_t>(time / sc_time(1, sc_core::SC_US));
    };
    if (read32(did_vid_at) != atmel_3204) {
        return std::nullopt;
    }
    const std::uint32_t shorter = in_us(m_params.linux_tis_timeout_a);
    return microseconds4{shorter, in_us(m_params.linux_tis_timeout_b), shorter, shorter};
}

std::optional<sc_time> linux_tpm_tis::corrected_durations() {
    constexpr std::size_t version_at = tpm::packet::body_at + 6, version_size = 4;
    constexpr std::uint32_t version_1_2_8_28 = 0x0102081C;
    const std::uint32_t identity = read32(did_vid_at);
    bytes response;
    const int result =
        m_chip.command_held(std::as_bytes(std::span(get_version)), response, version_at + version_size - 10);
    const bool wrong =
        result == 0 && identity == st_first &&
        tpm::load_be32(byte_view(response).subspan(version_at, version_size)) == version_1_2_8_28;
    return wrong ? std::optional(m_params.linux_tis_st_duration) : std::nullopt;
}

// ---- locality

// Up to TIMEOUT_A.
bool linux_tpm_tis::wait_for(bool (linux_tpm_tis::*seen)()) {
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + m_chip.timeout_a();
    do {
        if ((this->*seen)()) {
            return true;
        }
        m_kernel.sleep(m_params.linux_status_poll);
    } while (m_kernel.now() < stop);
    return false;
}

bool linux_tpm_tis::is_up() {
    return (read8(access_at) & access_valid) != 0;
}

bool linux_tpm_tis::has_locality() {
    constexpr std::uint8_t looked_at = access_active | access_valid | access_request;
    return (read8(access_at) & looked_at) == (access_active | access_valid);
}

int linux_tpm_tis::request_locality() {
    if (has_locality()) {
        return 0;
    }
    write8(access_at, access_request);
    return wait_for(&linux_tpm_tis::has_locality) ? 0 : error(errno_t::eperm);
}

void linux_tpm_tis::relinquish_locality() {
    write8(access_at, access_active);
}

// ---- status

// Bits that always read as zero are seen when the locality is not ours: then nothing is.
std::uint8_t linux_tpm_tis::sts() {
    const std::uint8_t value = read8(sts_at);
    if ((value & sts_reads_zero) == 0) {
        return value;
    }
    if (!m_told_invalid) {
        m_told_invalid = true;
        m_kernel.log(kernel::level::error, fmt::format("tpm_tis: invalid TPM_STS {:#04x}", value));
    }
    return 0;
}

bool linux_tpm_tis::is_cancelled(std::uint8_t status) const {
    constexpr std::uint8_t valid_ready = sts_valid | sts_ready;
    switch (vendor()) {
        case vendor_winbond:
            return status == sts_valid || status == valid_ready;
        case vendor_st:
            return status == valid_ready;
        default:
            return status == sts_ready;
    }
}

std::uint8_t linux_tpm_tis::status() {
    constexpr std::uint8_t answer = sts_valid | sts_data;
    const std::uint8_t now = sts();
    if ((now & answer) == answer) {
        return status_idle | status_result;
    }
    return is_cancelled(now) ? status_canceled : status_running;
}

void linux_tpm_tis::cancel() {
    write8(sts_at, sts_ready);
}

bool linux_tpm_tis::wait_for_status(std::uint8_t mask, const sc_time& timeout) {
    if ((sts() & mask) == mask) {
        return true;
    }
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + timeout;
    do {
        m_kernel.sleep(m_poll);
        if ((sts() & mask) == mask) {
            return true;
        }
    } while (m_kernel.now() < stop);
    return false;
}

// The whole register is read: some chips tell nonsense in reads of less.
int linux_tpm_tis::burst_count() {
    m_kernel.pay();
    const sc_time stop = m_kernel.now() + (m_chip.is_tpm20() ? m_chip.timeout_a() : m_chip.timeout_d());
    do {
        if (const std::uint32_t count = read32(sts_at) >> 8 & 0xFFFF; count != 0) {
            return static_cast<int>(count);
        }
        m_kernel.sleep(m_params.linux_tis_poll);
    } while (m_kernel.now() < stop);
    return error(errno_t::ebusy);
}

// ---- a command

int linux_tpm_tis::send_all_but_last(byte_view command) {
    std::size_t sent = 0;
    while (sent + 1 < command.size()) {
        const int burst = burst_count();
        if (burst < 0) {
            return burst;
        }
        const std::size_t end = std::min(sent + static_cast<std::size_t>(burst), command.size() - 1);
        for (; sent < end; ++sent) {
            write8(fifo_at, std::to_integer<std::uint8_t>(command[sent]));
        }
        if (!wait_for_status(sts_valid, m_chip.timeout_c())) {
            return error(errno_t::etime);
        }
        if (!m_expect_ignored && (sts() & sts_expect) == 0) {
            return error(errno_t::eio);
        }
    }
    return 0;
}

int linux_tpm_tis::send_last(std::byte last) {
    write8(fifo_at, std::to_integer<std::uint8_t>(last));
    if (!wait_for_status(sts_valid, m_chip.timeout_c())) {
        return error(errno_t::etime);
    }
    return !m_expect_ignored && (sts() & sts_expect) != 0 ? error(errno_t::eio) : 0;
}

int linux_tpm_tis::send_data(byte_view command) {
    int result = 0;
    if ((sts() & sts_ready) == 0) {
        cancel();
        if (!wait_for_status(sts_ready, m_chip.timeout_b())) {
            result = error(errno_t::etime);
        }
    }
    if (result == 0) {
        result = send_all_but_last(command);
    }
    if (result == 0) {
        result = send_last(command.back());
    }
    if (result != 0) {
        cancel();
    }
    return result;
}

int linux_tpm_tis::send(byte_view command) {
    int result = 0;
    for (unsigned attempt = 0; attempt < m_params.linux_tis_send_attempts; ++attempt) {
        result = send_data(command);
        if (result != error(errno_t::eio)) {
            break;
        }
    }
    // After the last attempt Linux goes on whatever came of it.
    if (result != 0 && result != error(errno_t::eio)) {
        return result;
    }
    write8(sts_at, sts_go);
    return 0;
}

int linux_tpm_tis::receive_data(std::span<std::byte> out) {
    std::size_t taken = 0;
    while (taken < out.size()) {
        if (!wait_for_status(sts_data | sts_valid, m_chip.timeout_c())) {
            return error(errno_t::etime);
        }
        const int burst = burst_count();
        if (burst < 0) {
            return burst;
        }
        const std::size_t end = std::min(taken + static_cast<std::size_t>(burst), out.size());
        for (; taken < end; ++taken) {
            out[taken] = static_cast<std::byte>(read8(fifo_at));
        }
    }
    return 0;
}

int linux_tpm_tis::receive_response(std::span<std::byte> buffer) {
    if (buffer.size() < tpm::packet::body_at) {
        return error(errno_t::eio);
    }
    if (const int result = receive_data(buffer.first(tpm::packet::body_at)); result != 0) {
        return result;
    }
    const std::size_t expected = tpm::packet::size_of(buffer);
    if (expected > buffer.size() || expected < tpm::packet::body_at) {
        return error(errno_t::eio);
    }
    if (const int result =
            receive_data(buffer.subspan(tpm::packet::body_at, expected - tpm::packet::body_at));
        result != 0) {
        return result;
    }
    if (!wait_for_status(sts_valid, m_chip.timeout_c())) {
        return error(errno_t::etime);
    }
    return (sts() & sts_data) != 0 ? error(errno_t::eio) : static_cast<int>(expected);
}

int linux_tpm_tis::receive(std::span<std::byte> buffer) {
    const int result = receive_response(buffer);
    cancel();
    return result;
}

}  // namespace vtwin::models
