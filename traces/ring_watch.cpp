#include "traces/ring_watch.h"

#include <algorithm>

#include "tpm/codec/wire.h"
#include "traces/words.h"

namespace vtwin::trace {
namespace {

constexpr std::size_t state_at = 4, locality_at = 5, extra_pages_at = 7, header_size = 8;

std::uint32_t little32(std::span<const std::byte> data) {
    std::uint32_t value = 0;
    for (std::size_t i = 4; i-- > 0;)
        value = value << 8 | std::to_integer<std::uint32_t>(data[i]);
    return value;
}

}  // namespace

ring_watch::~ring_watch() {
    for (const auto& [frame, where] : m_rings)
        m_memory.unwatch(where.watch);
}

void ring_watch::mapped(xen::domid_t backend, xen::domid_t frontend, xen::mfn_t frame) {
    unmapped(frame);
    ring& where = m_rings[frame];
    where.frontend = frontend;
    where.backend = backend;
    where.life = m_lives++;
    m_memory.read(frame, 0, where.page);
    where.watch =
        m_memory.watch(frame, [this, &where](const xen::frame_write& what) { stored(where, what); });
    // A frontend may send before its back end has connected: that SUBMIT is seen when the page is.
    report(where, where.page[state_at] == std::byte{1});
}

void ring_watch::unmapped(xen::mfn_t frame) {
    const auto found = m_rings.find(frame);
    if (found == m_rings.end())
        return;
    m_memory.unwatch(found->second.watch);
    m_rings.erase(found);
}

void ring_watch::stored(ring& where, const xen::frame_write& what) {
    const std::size_t end = std::min(what.offset + what.data.size(), where.page.size());
    if (what.offset >= end)
        return;
    std::copy_n(what.data.begin(), end - what.offset,
                where.page.begin() + static_cast<std::ptrdiff_t>(what.offset));
    const bool state_stored = what.offset <= state_at && end > state_at;
    if (what.offset < header_size)
        report(where, state_stored);
}

void ring_watch::report(const ring& where, bool state_stored) {
    const std::span<const std::byte> page(where.page);
    const std::size_t packet = header_size + 4 * std::to_integer<std::size_t>(page[extra_pages_at]);
    static_assert(header_size + 4 * 255 + packet_header <= xen::page_size);
    const std::uint32_t length = little32(page.first(4));
    m_listener({.at = sc_core::sc_time_stamp(),
                .frontend = where.frontend,
                .backend = where.backend,
                .state = ring_state{std::to_integer<std::uint8_t>(page[state_at])},
                .state_stored = state_stored,
                .length = length,
                .locality = std::to_integer<std::uint8_t>(page[locality_at]),
                .tag = tpm::load_be16(page.subspan(packet, 2)),
                .code = tpm::load_be32(page.subspan(packet + 6, 4)),
                .packet = page.subspan(packet, std::min<std::size_t>(length, page.size() - packet)),
                .life = where.life});
}

}  // namespace vtwin::trace
