#include <catch2/catch.hpp>

#include "hypervisor/memory/address_space.h"
#include "hypervisor/memory/machine_memory.h"

using namespace vtwin::xen;

namespace {
constexpr domid_t one{1}, two{2};
std::array<std::byte, 4> word(unsigned value) {
    return {std::byte(value), std::byte(value >> 8), std::byte(value >> 16), std::byte(value >> 24)};
}
}  // namespace

TEST_CASE("memory: frames start zeroed and come back only with their last reference") {
    machine_memory memory;
    const auto frame = memory.allocate(one);
    CHECK(memory.owner(frame) == one);
    std::array<std::byte, 4> out = word(99);
    memory.read(frame, 4092, out);
    CHECK(out == word(0));
    memory.write(frame, one, 0, word(0xABCD));
    memory.acquire(frame);
    memory.release(frame);
    CHECK(memory.allocate(two) != frame);  // still referenced
    memory.read(frame, 0, out);
    CHECK(out == word(0xABCD));
    memory.release(frame);
    CHECK(memory.allocate(two) == frame);
    memory.read(frame, 0, out);
    CHECK(out == word(0));
    CHECK(memory.allocated() == 2);
}

TEST_CASE("memory: watchers see stores to their frame only") {
    machine_memory memory;
    const auto watched = memory.allocate(one), other = memory.allocate(one);
    std::vector<std::size_t> seen, also;
    const auto id = memory.watch(watched, [&](const frame_write& w) {
        CHECK(w.frame == watched);
        CHECK(w.writer == two);
        CHECK(w.data.size() == 4);
        seen.push_back(w.offset);
    });
    machine_memory::watch_id self = 0;
    self = memory.watch(watched, [&](const frame_write& w) {
        also.push_back(w.offset);
        memory.unwatch(self);
    });
    memory.write(watched, two, 8, word(1));
    memory.write(other, two, 12, word(1));
    memory.write(watched, two, 16, word(1));
    memory.unwatch(id);
    memory.write(watched, two, 20, word(1));
    CHECK(seen == std::vector<std::size_t>{8, 16});
    CHECK(also == std::vector<std::size_t>{8});
}

TEST_CASE("memory: accesses across pages move all bytes or none") {
    machine_memory memory;
    address_space space(memory, one, 4);
    const guest_addr edge{4 * page_size - 2};
    auto data = word(0x11223344);
    CHECK(space.write(guest_addr{page_size - 2}, data));
    std::array<std::byte, 4> out{};
    CHECK(space.read(guest_addr{page_size - 2}, out));
    CHECK(out == data);
    CHECK_FALSE(space.write(edge, data));
    CHECK(space.read(guest_addr{4 * page_size - 4}, out));
    CHECK(out == word(0));  // nothing was written before the fault
    CHECK_FALSE(space.read(guest_addr{4 * page_size}, out));
    CHECK_FALSE(space.read(guest_addr{UINT64_MAX - 1}, out));
    std::vector<std::byte> huge(5 * page_size);
    CHECK_FALSE(space.read(guest_addr{0}, huge));
    CHECK(space.read(guest_addr{0}, std::span(huge).first(4 * page_size)));
}

TEST_CASE("memory: foreign pages take the lowest free place above the own ones") {
    machine_memory memory;
    address_space space(memory, one, 4);
    const auto frame = memory.allocate(two);
    const auto a = space.map_foreign(frame, true), b = space.map_foreign(frame, false);
    CHECK(a == guest_addr{4 * page_size});
    CHECK(b == guest_addr{5 * page_size});
    CHECK(space.write(a, word(7)));
    std::array<std::byte, 4> out{};
    CHECK(space.read(b, out));
    CHECK(out == word(7));
    CHECK_FALSE(space.write(b, word(8)));
    CHECK(space.maps_foreign(a, frame, true));
    CHECK_FALSE(space.maps_foreign(a, frame, false));
    CHECK_FALSE(space.maps_foreign(a + 1, frame, true));
    CHECK_FALSE(space.maps_foreign(guest_addr{0}, frame, true));
    space.unmap_foreign(a);
    CHECK_FALSE(space.read(a, out));
    CHECK(space.map_foreign(frame, true) == a);
}

TEST_CASE("memory: compare and exchange of aligned words") {
    machine_memory memory;
    address_space space(memory, one, 4);
    std::uint16_t expected = 0;
    CHECK(space.compare_exchange16(guest_addr{100}, expected, 0x1234));
    CHECK(expected == 0);
    expected = 1;
    CHECK(space.compare_exchange16(guest_addr{100}, expected, 0x9999));
    CHECK(expected == 0x1234);
    CHECK_FALSE(space.compare_exchange16(guest_addr{101}, expected, 0));
    CHECK_FALSE(space.compare_exchange16(guest_addr{4 * page_size}, expected, 0));
}
