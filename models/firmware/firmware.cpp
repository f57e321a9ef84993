#include "models/firmware/firmware.h"

#include <fmt/format.h>

#include <algorithm>

#include "tpm/codec/wire.h"

namespace vtwin::models {
namespace {

using sc_core::sc_time;

// TIS, locality 0 (TCG PC Client TIS 1.21).
constexpr std::uint64_t tis_base = 0xFED40000;
constexpr std::uint32_t reg_access = 0x00, reg_sts = 0x18, reg_fifo = 0x24;
constexpr std::uint8_t access_valid = 0x80, access_active = 0x20, access_request = 0x02;
constexpr std::uint8_t sts_valid = 0x80, sts_command_ready = 0x40, sts_go = 0x20, sts_data = 0x10;
constexpr std::size_t header_size = 10, buffer_size = 4096;

// Interface time-outs A to D and the longest command that firmware waits for (SeaBIOS' defaults).
const sc_time timeout_a(750, sc_core::SC_MS), timeout_b(2000, sc_core::SC_MS), timeout_d(750, sc_core::SC_MS),
    duration_long(60, sc_core::SC_SEC);

constexpr std::uint32_t ord_extend = 20, ord_startup = 153;
constexpr std::uint16_t tag_command = 0x00C1, startup_clear = 1;

std::uint32_t code_of(byte_view response) {
    tpm::wire_reader in(response);
    in.u16();
    in.u32();
    const auto code = in.u32();
    return in.ok() ? code : 0xFFFFFFFF;
}

}  // namespace

firmware::firmware(xen::mmio_if& bus, const sc_time& poll) : m_bus(bus), m_poll(poll) {}

std::uint8_t firmware::read8(std::uint32_t offset) {
    std::byte value{0xFF};
    if (!m_bus.read(tis_base + offset, std::span(&value, 1)))
        return 0xFF;
    return std::to_integer<std::uint8_t>(value);
}

void firmware::write8(std::uint32_t offset, std::uint8_t value) {
    const std::byte octet{value};
    static_cast<void>(
        m_bus.write(tis_base + offset, std::span(&octet, 1)));  // an absent chip shows at the next read
}

bool firmware::wait_for(std::uint32_t offset, std::uint8_t mask, std::uint8_t value, const sc_time& limit) {
    const sc_time deadline = sc_core::sc_time_stamp() + limit;
    while ((read8(offset) & mask) != value) {
        if (sc_core::sc_time_stamp() >= deadline)
            return false;
        sc_core::wait(m_poll);
    }
    return true;
}

std::uint32_t firmware::burst_count() {
    const sc_time deadline = sc_core::sc_time_stamp() + timeout_d;
    while (sc_core::sc_time_stamp() < deadline) {
        const std::uint32_t burst = read8(reg_sts + 1) | static_cast<std::uint32_t>(read8(reg_sts + 2)) << 8;
        if (burst != 0)
            return burst;
        sc_core::wait(m_poll);
    }
    return 0;
}

bool firmware::send(byte_view command) {
    write8(reg_sts, sts_command_ready);
    if (!wait_for(reg_sts, sts_command_ready, sts_command_ready, timeout_b))
        return false;
    while (!command.empty()) {
        const std::size_t burst = std::min<std::size_t>(burst_count(), command.size());
        if (burst == 0)
            return false;
        for (const auto octet : command.first(burst))
            write8(reg_fifo, std::to_integer<std::uint8_t>(octet));
        command = command.subspan(burst);
    }
    if (!wait_for(reg_sts, sts_valid, sts_valid, timeout_a))
        return false;
    write8(reg_sts, sts_go);
    return true;
}

bytes firmware::receive() {
    if (!wait_for(reg_sts, sts_valid | sts_data, sts_valid | sts_data, duration_long))
        return {};
    bytes response;
    std::size_t wanted = header_size;
    while (response.size() < wanted) {
        const std::size_t burst = std::min<std::size_t>(burst_count(), wanted - response.size());
        if (burst == 0)
            return {};
        for (std::size_t i = 0; i < burst; ++i)
            response.push_back(std::byte{read8(reg_fifo)});
        if (response.size() == header_size) {
            tpm::wire_reader in(byte_view(response).subspan(2));
            wanted = std::clamp<std::size_t>(in.u32(), header_size, buffer_size);
        }
    }
    write8(reg_sts, sts_command_ready);
    return response;
}

bytes firmware::transmit(byte_view command) {
    return send(command) ? receive() : bytes{};
}

bool firmware::boot(const std::vector<firmware_measurement>& measurements, std::string& problem) {
    if (!wait_for(reg_access, access_valid, access_valid, timeout_a)) {
        problem = "the hardware TPM's registers never became valid";
        return false;
    }
    write8(reg_access, access_request);
    if (!wait_for(reg_access, access_active, access_active, timeout_a)) {
        problem = "the hardware TPM did not grant locality 0";
        return false;
    }
    tpm::wire_writer startup;
    startup.u16(tag_command).u32(header_size + 2).u32(ord_startup).u16(startup_clear);
    if (const auto code = code_of(transmit(startup.data())); code != 0) {
        problem = fmt::format("TPM_Startup answered {}", code);
        return false;
    }
    for (const auto& measured : measurements) {
        tpm::wire_writer extend;
        extend.u16(tag_command).u32(header_size + 24).u32(ord_extend).u32(measured.pcr).raw(measured.sha1);
        if (const auto code = code_of(transmit(extend.data())); code != 0) {
            problem = fmt::format("TPM_Extend of PCR {} ({}) answered {}", measured.pcr, measured.description,
                                  code);
            return false;
        }
    }
    write8(reg_access, access_active);
    return true;
}

}  // namespace vtwin::models
