#include "scenarios/faults/memory_tap.h"

#include <array>

#include "models/drivers/tpmif_page.h"

namespace vtwin::scenario {
namespace {

using layout = models::tpmif_page;

std::uint64_t little(std::span<const std::byte> data) {
    std::uint64_t value = 0;
    for (std::size_t i = data.size(); i-- > 0;)
        value = value << 8 | std::to_integer<std::uint64_t>(data[i]);
    return value;
}

constexpr std::size_t small = 8;  // bytes: what fits the field `value`

}  // namespace

std::string_view member_at(std::size_t offset, std::size_t length) {
    struct part {
        std::size_t from, to;
        std::string_view name;
    };
    static constexpr std::array<part, 6> parts = {{
        {layout::length_at, layout::state_at, "length"},
        {layout::state_at, layout::locality_at, "state"},
        {layout::locality_at, layout::pad_at, "locality"},
        {layout::pad_at, layout::extra_pages_at, "pad"},
        {layout::extra_pages_at, layout::header_size, "extra_pages"},
        {layout::header_size, xen::page_size, "data"},
    }};
    for (const auto& each : parts)
        if (offset >= each.from && offset + length <= each.to)
            return each.name;
    return "page";
}

void memory_tap::look_up() {
    if (m_known || !m_where.attached())
        return;
    m_known = true;
    m_domain = m_where.find(m_name);
    m_rings = m_domain != nullptr && m_where.rings().concerns(m_name);
}

/// An empty place when the access is to no ring, or to more than one page.
ring_place memory_tap::ring_at(xen::guest_addr at, std::size_t length) {
    look_up();
    if (!m_rings || m_domain->life() == nullptr)
        return {};
    const std::size_t offset = xen::to_underlying(at) % xen::page_size;
    if (offset + length > xen::page_size)
        return {};
    const auto frame = m_domain->life()->space.frame_at(at);
    const auto* const page = frame ? m_where.rings().at(*frame) : nullptr;
    if (page == nullptr)
        return {};
    return {*page, (*page)->front_id == m_domain->domid(), offset};
}

void memory_tap::cross_memory(std::string_view operation, xen::guest_addr at, std::size_t length,
                              effects& acting) {
    if (m_wire == nullptr)
        return;
    crossing what(operation);
    what.put(field::address, xen::to_underlying(at));
    what.put(field::length, length);
    const auto found = m_wire->cross(what);
    acting.assign(found.begin(), found.end());
}

void memory_tap::cross_ring(std::string_view operation, const ring_place& place,
                            std::span<const std::byte> data, effects& acting) {
    if (!place.page)
        return;
    crossing what(operation);
    what.put(field::side, place.front ? "front" : "back");
    what.put(field::member, member_at(place.offset, data.size()));
    what.put(field::length, data.size());
    if (data.size() <= small && place.page->on->watched())
        what.put(field::value, little(data));
    const auto found = place.page->on->cross(what);
    acting.assign(found.begin(), found.end());
}

void memory_tap::apply(memory_access& access, const ring_place& ring, const effects& memory,
                       const effects& on_ring) {
    look_up();
    access.domain = m_domain;
    for (auto* each : memory)
        static_cast<memory_effect*>(each)->act(access);
    access.ring = ring;
    for (auto* each : on_ring)
        static_cast<memory_effect*>(each)->act(access);
}

bool memory_tap::read(xen::guest_addr from, std::span<std::byte> out) {
    effects memory, on_ring;
    cross_memory("load", from, out.size(), memory);
    const auto ring = ring_at(from, out.size());
    // Conditions may ask for the value, so it is looked at before anything happens; what begins with this
    // crossing may change it once more.
    if (ring.page && ring.page->on->watched() && out.size() <= small && !m_inner.read(from, out))
        return false;
    cross_ring("load", ring, out, on_ring);
    if (!m_inner.read(from, out))
        return false;
    if (memory.empty() && on_ring.empty())
        return true;
    memory_access access{.operation = memory_access::what::load, .at = from, .data = out, .where = m_where};
    apply(access, ring, memory, on_ring);
    for (const auto& each : access.after)
        each();
    return !access.faulted;
}

bool memory_tap::write(xen::guest_addr to, std::span<const std::byte> data) {
    effects memory, on_ring;
    cross_memory("store", to, data.size(), memory);
    const auto ring = ring_at(to, data.size());
    cross_ring("store", ring, data, on_ring);
    if (memory.empty() && on_ring.empty())
        return m_inner.write(to, data);
    std::vector<std::byte> copy(data.begin(), data.end());
    memory_access access{.operation = memory_access::what::store, .at = to, .data = copy, .where = m_where};
    access.stored = copy.size();
    apply(access, ring, memory, on_ring);
    if (access.faulted)
        return false;
    const auto reaching = access.data.first(std::min(access.stored, access.data.size()));
    if (!access.lost && !reaching.empty() && !m_inner.write(to, reaching))
        return false;
    for (const auto& each : access.after)
        each();
    return true;
}

bool memory_tap::compare_exchange16(xen::guest_addr at, std::uint16_t& expected, std::uint16_t desired) {
    effects memory;
    cross_memory("exchange", at, sizeof desired, memory);
    if (memory.empty())
        return m_inner.compare_exchange16(at, expected, desired);
    std::array<std::byte, 2> word = {std::byte(desired & 0xFF), std::byte(desired >> 8)};
    memory_access access{
        .operation = memory_access::what::exchange, .at = at, .data = word, .where = m_where};
    apply(access, {}, memory, {});
    if (access.faulted)
        return false;
    if (access.lost)
        return true;  // `expected` stays: it looks as if the old value had been there
    const bool done = m_inner.compare_exchange16(at, expected, static_cast<std::uint16_t>(little(word)));
    for (const auto& each : access.after)
        each();
    return done;
}

}  // namespace vtwin::scenario
