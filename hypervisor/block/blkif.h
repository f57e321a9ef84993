// The block ring as it lies in the shared page (x86_64 layout). Source: xen/include/public/io/{blkif,ring}.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "hypervisor/types.h"

namespace vtwin::xen::blkif {

inline constexpr std::uint8_t op_read = 0, op_write = 1, op_write_barrier = 2, op_flush_diskcache = 3;
inline constexpr std::int16_t rsp_okay = 0, rsp_error = -1, rsp_eopnotsupp = -2;
inline constexpr std::size_t max_segments = 11;  ///< BLKIF_MAX_SEGMENTS_PER_REQUEST
inline constexpr std::uint32_t sectors_per_page = 8;

/// struct blkif_sring: four free-running indexes, then the entries.
struct ring {
    static constexpr std::size_t req_prod = 0, req_event = 4, rsp_prod = 8, rsp_event = 12;
    static constexpr std::size_t entries = 64, entry_size = 112;
    static constexpr std::uint32_t size = 32;
    static constexpr std::size_t entry(std::uint32_t index) { return entries + (index % size) * entry_size; }
};
static_assert(ring::entries + ring::size * ring::entry_size <= page_size);

struct segment {
    grant_ref gref{};
    std::uint8_t first_sect = 0, last_sect = 0;  ///< within the page, inclusive
};

/// struct blkif_request: operation@0 nr_segments@1 handle@2 id@8 sector_number@16 seg[11]@24, 8 bytes each.
struct request {
    std::uint8_t operation = 0, nr_segments = 0;
    std::uint16_t handle = 0;
    std::uint64_t id = 0, sector_number = 0;
    std::array<segment, max_segments> seg{};
};
request decode_request(std::span<const std::byte, ring::entry_size> wire);
std::array<std::byte, ring::entry_size> encode(const request& what);

/// struct blkif_response: id@0 operation@8 status@10; the rest of the slot is left as it was.
struct response {
    static constexpr std::size_t size = 16;
    std::uint64_t id = 0;
    std::uint8_t operation = 0;
    std::int16_t status = 0;
};
std::array<std::byte, response::size> encode(const response& what);
response decode_response(std::span<const std::byte, response::size> wire);

}  // namespace vtwin::xen::blkif
