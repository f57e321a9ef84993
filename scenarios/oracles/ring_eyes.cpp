#include "scenarios/oracles/ring_eyes.h"

#include <algorithm>

#include "scenarios/oracles/packet.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t state_at = 4, locality_at = 5, extra_pages_at = 7, header_octets = 8;

}  // namespace

ring_eyes::~ring_eyes() {
    for (const auto& [frame, each] : m_pages)
        m_memory.unwatch(each.watch);
}

void ring_eyes::mapped(const xen::grant_map_change& what) {
    unmapped(what);
    auto& where = m_pages[what.frame];
    where.frame = what.frame;
    where.front_id = what.granter;
    where.back_id = what.mapper;
    where.front = m_name(what.granter);
    where.back = m_name(what.mapper);
    where.ref = xen::to_underlying(what.ref);
    where.watch =
        m_memory.watch(what.frame, [this, &where](const xen::frame_write& store) { stored(where, store); });
    const auto* octets = m_memory.page(what.frame);
    where.state = std::to_integer<std::uint8_t>(octets[state_at]);
    // A frontend may submit before its backend is there.
    const bool clean =
        where.state == tpmif_state::submit ||
        std::all_of(octets, octets + header_octets, [](std::byte b) { return b == std::byte{0}; });
    m_listener.ring(
        seen::ring_page{sc_core::sc_time_stamp(), where.front, where.back, true, where.ref, clean});
    if (where.state == tpmif_state::submit)
        submitted(where);
}

void ring_eyes::unmapped(const xen::grant_map_change& what) {
    const auto found = m_pages.find(what.frame);
    if (found == m_pages.end())
        return;
    const auto& where = found->second;
    m_memory.unwatch(where.watch);
    m_listener.ring(
        seen::ring_page{sc_core::sc_time_stamp(), where.front, where.back, false, where.ref, true});
    m_pages.erase(found);
}

void ring_eyes::stored(page& where, const xen::frame_write& what) {
    const auto at = sc_core::sc_time_stamp();
    const bool front = what.writer == where.front_id, back = what.writer == where.back_id;
    if (!front && !back)
        m_listener.ring(seen::foreign_store{at, where.front, m_name(what.writer)});
    if (what.offset > state_at || what.offset + what.data.size() <= state_at)
        return;
    const auto from = where.state;
    where.state = std::to_integer<std::uint8_t>(m_memory.page(where.frame)[state_at]);
    const auto by = front ? seen::writer::front : back ? seen::writer::back : seen::writer::other;
    m_listener.ring(seen::page_state{at, where.front, by, from, where.state});
    if (where.state == tpmif_state::submit && by != seen::writer::back)
        submitted(where);
    else if (where.state == tpmif_state::finish && by == seen::writer::back)
        answered(where);
}

std::uint32_t ring_eyes::length_of(const page& where) const {
    const auto* octets = m_memory.page(where.frame);
    std::uint32_t length = 0;
    for (std::size_t i = 4; i-- > 0;)
        length = length << 8 | std::to_integer<std::uint32_t>(octets[i]);
    return length;
}

tpm::byte_view ring_eyes::packet(const page& where, std::uint32_t length) const {
    const auto* octets = m_memory.page(where.frame);
    const std::size_t start = header_octets + 4 * std::to_integer<std::size_t>(octets[extra_pages_at]);
    return {octets + start, std::min<std::size_t>(length, xen::page_size - start)};
}

void ring_eyes::submitted(page& where) {
    const auto length = length_of(where);
    const auto command = packet(where, length);
    where.request.assign(command.begin(), command.end());
    m_listener.ring(seen::submission{sc_core::sc_time_stamp(), where.front, where.back, where.request, length,
                                     std::to_integer<std::uint8_t>(m_memory.page(where.frame)[locality_at])});
}

void ring_eyes::answered(page& where) {
    const auto length = length_of(where);
    m_listener.ring(seen::answer{sc_core::sc_time_stamp(), where.front, where.back, where.request,
                                 packet(where, length), length});
}

}  // namespace vtwin::scenario
