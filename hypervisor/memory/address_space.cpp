#include "hypervisor/memory/address_space.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace vtwin::xen {

namespace {
constexpr std::uint64_t page_of(guest_addr at) {
    return to_underlying(at) / page_size;
}
constexpr std::size_t offset_of(guest_addr at) {
    return to_underlying(at) % page_size;
}
}  // namespace

address_space::address_space(machine_memory& memory, domid_t owner, std::uint32_t nr_pages)
    : m_memory(memory), m_owner(owner), m_own(nr_pages, 0) {}

std::optional<mfn_t> address_space::own_frame(gfn_t gfn) {
    const auto number = to_underlying(gfn);
    if (number >= m_own.size())
        return std::nullopt;
    auto& frame = m_own[number];
    if (frame == 0)
        frame = static_cast<std::uint32_t>(to_underlying(m_memory.allocate(m_owner)));
    return mfn_t{frame};
}

std::optional<mfn_t> address_space::frame_at(guest_addr at) const {
    const auto page = page_of(at);
    if (page < m_own.size())
        return m_own[page] != 0 ? std::optional(mfn_t{m_own[page]}) : std::nullopt;
    const auto slot = page - m_own.size();
    if (slot >= m_foreign.size() || !m_foreign[slot].mapped)
        return std::nullopt;
    return m_foreign[slot].frame;
}

guest_addr address_space::map_foreign(mfn_t frame, bool writable) {
    std::size_t slot = m_foreign.size();
    if (m_free_foreign.empty()) {
        m_foreign.emplace_back();
    } else {
        slot = *m_free_foreign.begin();
        m_free_foreign.erase(m_free_foreign.begin());
    }
    m_foreign[slot] = {frame, writable, true};
    return guest_addr{(m_own.size() + slot) * page_size};
}

bool address_space::maps_foreign(guest_addr at, mfn_t frame, bool writable) const {
    const auto page = page_of(at);
    if (offset_of(at) != 0 || page < m_own.size() || page - m_own.size() >= m_foreign.size())
        return false;
    const auto& slot = m_foreign[page - m_own.size()];
    return slot.mapped && slot.frame == frame && slot.writable == writable;
}

void address_space::unmap_foreign(guest_addr at) {
    const auto slot = page_of(at) - m_own.size();
    sc_assert(slot < m_foreign.size() && m_foreign[slot].mapped);
    m_foreign[slot] = {};
    m_free_foreign.insert(slot);
}

address_space::located address_space::locate(std::uint64_t page, bool for_write) {
    if (page < m_own.size()) {
        const auto frame = m_own[page];
        return {frame != 0 ? mfn_t{frame} : *own_frame(gfn_t{page}), true};
    }
    const auto slot = page - m_own.size();
    if (slot >= m_foreign.size() || !m_foreign[slot].mapped || (for_write && !m_foreign[slot].writable))
        return {};
    return {m_foreign[slot].frame, true};
}

bool address_space::reachable(guest_addr at, std::size_t size, bool for_write) {
    if (size > UINT64_MAX - to_underlying(at))
        return false;
    // The page count is bounded first: a hostile length must not make us walk.
    const auto last = page_of(at + (size - 1));
    if (last >= m_own.size() + m_foreign.size())
        return false;
    for (auto page = page_of(at); page <= last; ++page)
        if (!locate(page, for_write).valid)
            return false;
    return true;
}

bool address_space::read(guest_addr from, std::span<std::byte> out) {
    const auto offset = offset_of(from);
    if (offset + out.size() <= page_size) {
        const auto where = locate(page_of(from), false);
        if (where.valid)
            m_memory.read(where.frame, offset, out);
        return where.valid;
    }
    if (!reachable(from, out.size(), false))
        return false;
    while (!out.empty()) {
        const auto part = std::min(out.size(), page_size - offset_of(from));
        m_memory.read(locate(page_of(from), false).frame, offset_of(from), out.first(part));
        out = out.subspan(part);
        from = from + part;
    }
    return true;
}

bool address_space::write(guest_addr to, std::span<const std::byte> data) {
    const auto offset = offset_of(to);
    if (offset + data.size() <= page_size) {
        const auto where = locate(page_of(to), true);
        if (where.valid)
            m_memory.write(where.frame, m_owner, offset, data);
        return where.valid;
    }
    if (!reachable(to, data.size(), true))
        return false;
    while (!data.empty()) {
        const auto part = std::min(data.size(), page_size - offset_of(to));
        m_memory.write(locate(page_of(to), true).frame, m_owner, offset_of(to), data.first(part));
        data = data.subspan(part);
        to = to + part;
    }
    return true;
}

bool address_space::compare_exchange16(guest_addr at, std::uint16_t& expected, std::uint16_t desired) {
    if (to_underlying(at) % sizeof(desired) != 0)
        return false;
    const auto where = locate(page_of(at), true);
    if (!where.valid)
        return false;
    std::array<std::byte, 2> word;
    m_memory.read(where.frame, offset_of(at), word);
    const auto old = static_cast<std::uint16_t>(std::to_integer<unsigned>(word[0]) |
                                                std::to_integer<unsigned>(word[1]) << 8);
    if (old == expected) {
        word = {std::byte(desired & 0xFF), std::byte(desired >> 8)};
        m_memory.write(where.frame, m_owner, offset_of(at), word);
    }
    expected = old;
    return true;
}

void address_space::relinquish() {
    for (auto& frame : m_own)
        if (frame != 0)
            m_memory.release(mfn_t{frame});
    m_own.clear();
    m_foreign.clear();
    m_free_foreign.clear();
}

}  // namespace vtwin::xen
