#include "hypervisor/block/blkif.h"

#include "hypervisor/bytes.h"

namespace vtwin::xen::blkif {

request decode_request(std::span<const std::byte, ring::entry_size> wire) {
    request what;
    what.operation = load_le<std::uint8_t>(wire.data());
    what.nr_segments = load_le<std::uint8_t>(wire.data() + 1);
    what.handle = load_le<std::uint16_t>(wire.data() + 2);
    what.id = load_le<std::uint64_t>(wire.data() + 8);
    what.sector_number = load_le<std::uint64_t>(wire.data() + 16);
    for (std::size_t i = 0; i < max_segments; ++i) {
        const auto* at = wire.data() + 24 + 8 * i;
        what.seg[i] = {static_cast<grant_ref>(load_le<std::uint32_t>(at)), load_le<std::uint8_t>(at + 4),
                       load_le<std::uint8_t>(at + 5)};
    }
    return what;
}

std::array<std::byte, ring::entry_size> encode(const request& what) {
    std::array<std::byte, ring::entry_size> wire{};
    store_le(wire.data(), what.operation);
    store_le(wire.data() + 1, what.nr_segments);
    store_le(wire.data() + 2, what.handle);
    store_le(wire.data() + 8, what.id);
    store_le(wire.data() + 16, what.sector_number);
    for (std::size_t i = 0; i < max_segments; ++i) {
        auto* at = wire.data() + 24 + 8 * i;
        store_le(at, to_underlying(what.seg[i].gref));
        store_le(at + 4, what.seg[i].first_sect);
        store_le(at + 5, what.seg[i].last_sect);
    }
    return wire;
}

std::array<std::byte, response::size> encode(const response& what) {
    std::array<std::byte, response::size> wire{};
    store_le(wire.data(), what.id);
    store_le(wire.data() + 8, what.operation);
    store_le(wire.data() + 10, static_cast<std::uint16_t>(what.status));
    return wire;
}

response decode_response(std::span<const std::byte, response::size> wire) {
    return {load_le<std::uint64_t>(wire.data()), load_le<std::uint8_t>(wire.data() + 8),
            static_cast<std::int16_t>(load_le<std::uint16_t>(wire.data() + 10))};
}

}  // namespace vtwin::xen::blkif
