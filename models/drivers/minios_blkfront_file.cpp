// Byte offsets and lengths become requests: the file interface of blkfront.
#include <algorithm>

#include "models/drivers/minios_blkfront.h"

namespace vtwin::models {

using xen::page_size;

namespace {

constexpr std::uint8_t op_read = 0, op_write = 1;

}  // namespace

bool minios_blkfront::passed_on(bool ok) const {
    return ok || m_behaviours.faithful(behaviour::blkfront_status_dropped);
}

bool minios_blkfront::in_range(std::uint64_t offset, std::size_t length) const {
    return m_ring_page && offset <= size() && length <= size() - offset;
}

bool minios_blkfront::is_direct(std::uint64_t offset, std::size_t length) const {
    return length > 0 && offset % m_sector_size == 0 && length % page_size == 0;
}

// Whole pages, as many requests as it takes, one after the other.
bool minios_blkfront::transfer_pages(std::uint8_t operation, std::uint64_t offset,
                                     std::span<std::byte> data) {
    bool ok = true;
    while (!data.empty()) {
        const std::size_t length = std::min(data.size(), max_segments * page_size);
        std::vector<xen::gfn_t> pages;
        std::vector<segment> segments;
        for (std::size_t at = 0; at < length; at += page_size) {
            const xen::gfn_t page = m_kernel.alloc_page();
            const std::size_t part = std::min(page_size, length - at);
            if (operation == op_write) {
                m_kernel.copy_out(xen::address_of(page), data.subspan(at, part));
            }
            const auto ref = m_kernel.grants().grant_access(m_backend, page, operation == op_write);
            if (!ref) {
                m_kernel.panic("blkfront: no grant reference");
            }
            pages.push_back(page);
            segments.push_back({*ref, 0, static_cast<std::uint8_t>(part / m_sector_size - 1)});
        }
        ok = request(operation, offset / m_sector_size, segments) && ok;
        for (std::size_t i = 0; i < pages.size(); ++i) {
            if (operation == op_read) {
                const std::size_t at = i * page_size;
                m_kernel.copy_in(xen::address_of(pages[i]),
                                 data.subspan(at, std::min(page_size, length - at)));
            }
            (void)m_kernel.grants().end_access(segments[i].ref);
            m_kernel.free_page(pages[i]);
        }
        data = data.subspan(length);
        offset += length;
    }
    return ok;
}

// One sector between disk and the start of the bounce page.
bool minios_blkfront::one_sector(std::uint8_t operation, std::uint64_t sector) {
    const auto ref = m_kernel.grants().grant_access(m_backend, *m_bounce, operation == op_write);
    if (!ref) {
        m_kernel.panic("blkfront: no grant reference");
    }
    const segment only{*ref, 0, 0};
    const bool ok = request(operation, sector, {&only, 1});
    (void)m_kernel.grants().end_access(*ref);
    return ok;
}

bool minios_blkfront::read(std::uint64_t offset, std::span<std::byte> out) {
    if (!in_range(offset, out.size())) {
        return false;
    }
    if (is_direct(offset, out.size())) {
        return passed_on(transfer_pages(op_read, offset, out));
    }
    bool ok = true;
    while (!out.empty()) {
        const std::size_t within = offset % m_sector_size;
        const std::size_t part = std::min<std::size_t>(out.size(), m_sector_size - within);
        ok = one_sector(op_read, offset / m_sector_size) && ok;
        m_kernel.copy_in(xen::address_of(*m_bounce) + within, out.first(part));
        out = out.subspan(part);
        offset += part;
    }
    return passed_on(ok);
}

bool minios_blkfront::write_sector_part(std::uint64_t offset, byte_view part) {
    bool ok = true;
    if (part.size() != m_sector_size) {
        ok = one_sector(op_read, offset / m_sector_size);
    }
    m_kernel.copy_out(xen::address_of(*m_bounce) + offset % m_sector_size, part);
    return one_sector(op_write, offset / m_sector_size) && ok;
}

// Hardened: the edges are read, then everything goes out in one request as long as it has room.
bool minios_blkfront::write_whole(std::uint64_t offset, byte_view data) {
    const std::uint64_t first = offset / m_sector_size * m_sector_size;
    const std::uint64_t end = (offset + data.size() + m_sector_size - 1) / m_sector_size * m_sector_size;
    bytes image(end - first);
    bool ok = true;
    const auto read_edge = [&](std::uint64_t sector_start) {
        ok = one_sector(op_read, sector_start / m_sector_size) && ok;
        m_kernel.copy_in(xen::address_of(*m_bounce),
                         std::span(image).subspan(sector_start - first, m_sector_size));
    };
    if (offset != first) {
        read_edge(first);
    }
    if (offset + data.size() != end && (end - first > m_sector_size || offset == first)) {
        read_edge(end - m_sector_size);
    }
    std::ranges::copy(data, image.begin() + static_cast<std::ptrdiff_t>(offset - first));
    return ok && transfer_pages(op_write, first, image);
}

bool minios_blkfront::write(std::uint64_t offset, byte_view data) {
    if (!in_range(offset, data.size()) || !m_writable) {
        return false;
    }
    if (data.empty()) {
        return true;
    }
    if (is_direct(offset, data.size())) {
        bytes copy(data.begin(), data.end());
        return passed_on(transfer_pages(op_write, offset, copy));
    }
    if (m_behaviours.hardened(behaviour::blkfront_unaligned_io_split_per_sector)) {
        return passed_on(write_whole(offset, data));
    }
    bool ok = true;
    while (!data.empty()) {
        const std::size_t part = std::min<std::size_t>(data.size(), m_sector_size - offset % m_sector_size);
        ok = write_sector_part(offset, data.first(part)) && ok;
        data = data.subspan(part);
        offset += part;
    }
    return passed_on(ok);
}

}  // namespace vtwin::models
