#include "scenarios/faults/tis_tap.h"

#include <algorithm>
#include <array>

#include "tpm/bus/lpc_bus.h"
#include "tpm/tis/tis_device.h"

namespace vtwin::scenario {
namespace {

constexpr std::uint64_t page_mask = 0xFFF;
constexpr std::uint64_t undecoded = 0xFF0;  // reads all ones, takes bus time, does nothing
constexpr std::size_t widest = 8;           // octets of one access

struct register_range {
    std::uint32_t first, width;
    std::string_view name;
};
using device = tpm::tis_device;
constexpr std::array<register_range, 13> registers = {
    {{device::access, 1, "TPM_ACCESS"},
     {device::int_enable, 4, "TPM_INT_ENABLE"},
     {device::int_vector, 1, "TPM_INT_VECTOR"},
     {device::int_status, 4, "TPM_INT_STATUS"},
     {device::interface_capability, 4, "TPM_INTF_CAPABILITY"},
     {device::sts, 4, "TPM_STS"},
     {device::hash_end, 1, "TPM_HASH_END"},
     {device::data_fifo, 4, "TPM_DATA_FIFO"},
     {device::hash_start, 1, "TPM_HASH_START"},
     {device::interface_id, 4, "TPM_INTERFACE_ID"},
     {device::xdata_fifo, 4, "TPM_XDATA_FIFO"},
     {device::did_vid, 4, "TPM_DID_VID"},
     {device::rid, 1, "TPM_RID"}}};

std::uint64_t number_of(std::span<const std::byte> data) {
    std::uint64_t value = 0;
    for (std::size_t i = std::min(data.size(), widest); i-- > 0;)
        value = value << 8 | std::to_integer<std::uint64_t>(data[i]);
    return value;
}

tis_access access_to(std::uint64_t address, std::span<std::byte> data, bool write) {
    const auto offset = static_cast<std::uint32_t>(address & page_mask);
    return {.write = write,
            .address = address,
            .reg = tis_register_at(offset),
            .offset = offset,
            .locality = static_cast<std::uint32_t>((address - tpm::lpc_bus::window_base) >> locality_shift),
            .data = data};
}

bool in_window(std::uint64_t address) {
    return address >= tpm::lpc_bus::window_base &&
           address < tpm::lpc_bus::window_base + tpm::lpc_bus::window_size;
}

}  // namespace

std::string_view tis_register_at(std::uint32_t offset) {
    for (const auto& each : registers)
        if (offset >= each.first && offset < each.first + each.width)
            return each.name;
    return "";
}

/// A copy of who acts: time passes during an access, and other crossings with it.
std::vector<tis_effect*> tis_tap::cross(const tis_access& access) {
    crossing what(access.write ? "write" : "read");
    what.put(field::reg, access.reg);
    what.put(field::address, access.offset);
    what.put(field::locality, access.locality);
    if (access.write)
        what.put(field::value, number_of(access.data));
    std::vector<tis_effect*> acting;
    for (auto* each : m_wire.cross(what))
        acting.push_back(static_cast<tis_effect*>(each));
    return acting;
}

bool tis_tap::read(std::uint64_t address, std::span<std::byte> out) {
    if (!in_window(address))
        return m_inner.read(address, out);
    auto access = access_to(address, out, false);
    const auto acting = cross(access);
    if (acting.empty())
        return m_inner.read(address, out);
    for (auto* each : acting)
        each->before(access);
    const auto at = access.lost ? (address & ~page_mask) | undecoded : address;
    bool permitted = true;
    for (std::uint32_t i = 0; permitted && i < (access.lost ? 1 : access.repeats); ++i)
        permitted = m_inner.read(at, out);
    for (auto* each : acting)
        each->after(access);
    return permitted;
}

bool tis_tap::write(std::uint64_t address, std::span<const std::byte> data) {
    if (!in_window(address))
        return m_inner.write(address, data);
    std::vector<std::byte> copy(data.begin(), data.end());
    auto access = access_to(address, copy, true);
    const auto acting = cross(access);
    if (acting.empty())
        return m_inner.write(address, data);
    for (auto* each : acting)
        each->before(access);
    const auto at = access.lost ? (address & ~page_mask) | undecoded : address;
    bool permitted = true;
    for (std::uint32_t i = 0; permitted && i < (access.lost ? 1 : access.repeats); ++i)
        permitted = m_inner.write(at, copy);
    for (auto* each : acting)
        each->after(access);
    return permitted;
}

}  // namespace vtwin::scenario
