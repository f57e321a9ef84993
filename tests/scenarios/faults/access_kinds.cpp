// Kinds that memory and rings share, and those of a ring alone.
#include "tests/scenarios/faults/tapped_world.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

constexpr std::uint64_t length_at = 0, state_at = 4, locality_at = 5, data_at = 8;

std::array<std::byte, xen::page_size> content(tapped_domain& of, xen::guest_addr at) {
    std::array<std::byte, xen::page_size> all{};
    REQUIRE(of.guest.memory().read(at, all));
    return all;
}
int bits_set(std::span<const std::byte> data) {
    int count = 0;
    for (const auto octet : data)
        count += std::popcount(std::to_integer<unsigned>(octet));
    return count;
}

}  // namespace

TEST_CASE("a load replaced on a ring differs on the counted load only") {
    tapped_world world({"front.ring"});
    auto& armed = world.arm("ring.load_replaced", "front.ring", {{"value", "4089"}},
                            world.nth(2, {{"member", "length"}, {"side", "back"}}));
    const auto mapped = world.map_ring();
    world.front.store<std::uint32_t>(world.page + length_at, 30);
    CHECK(world.front.load<std::uint32_t>(world.page + length_at) == 30);
    CHECK(world.back.load<std::uint32_t>(mapped + length_at) == 30);
    CHECK(world.back.load<std::uint8_t>(mapped + state_at) == 0);
    CHECK(world.back.load<std::uint32_t>(mapped + length_at) == 4089);
    CHECK(world.back.load<std::uint32_t>(mapped + length_at) == 30);
    CHECK(armed.acted() == 1);
}

TEST_CASE("a store replaced on a ring is what the other end sees") {
    tapped_world world({"front.ring"});
    world.arm("ring.store_replaced", "front.ring", {{"value", "0x1FF"}},
              world.nth(1, {{"member", "locality"}}));
    const auto mapped = world.map_ring();
    world.front.store<std::uint8_t>(world.page + locality_at, 2);
    CHECK(world.back.load<std::uint8_t>(mapped + locality_at) == 0xFF);  // as wide as the member
    world.front.store<std::uint8_t>(world.page + locality_at, 2);
    CHECK(world.back.load<std::uint8_t>(mapped + locality_at) == 2);
}

TEST_CASE("a store lost on a ring leaves the page as it was") {
    tapped_world world({"front.ring"});
    world.arm("ring.store_lost", "front.ring", {}, world.nth(2, {{"member", "state"}, {"side", "front"}}));
    const auto mapped = world.map_ring();
    world.front.store<std::uint8_t>(world.page + state_at, 1);
    world.back.store<std::uint8_t>(mapped + state_at, 2);
    CHECK(world.front.store<std::uint8_t>(world.page + state_at, 3));
    CHECK(world.back.load<std::uint8_t>(mapped + state_at) == 2);
}

TEST_CASE("a torn store reaches the page with its first bytes") {
    tapped_world world({"front.ring"});
    world.arm("ring.store_torn", "front.ring", {{"bytes", "2"}});
    const auto mapped = world.map_ring();
    world.front.store<std::uint32_t>(world.page + length_at, 0x44332211);
    CHECK(world.back.load<std::uint32_t>(mapped + length_at) == 0x2211);
}

TEST_CASE("a late store is overtaken by the one behind it") {
    tapped_world world({"front.ring"});
    world.arm("ring.store_late", "front.ring", {{"delay", "5 us"}}, world.nth(1, {{"member", "data"}}));
    const auto mapped = world.map_ring();
    world.front.store<std::uint32_t>(world.page + data_at, 0xC100);
    world.front.store<std::uint8_t>(world.page + state_at, 1);
    CHECK(world.back.load<std::uint8_t>(mapped + state_at) == 1);
    CHECK(world.back.load<std::uint32_t>(mapped + data_at) == 0);
    sc_core::sc_start(us(5) - sc_core::sc_get_time_resolution());
    CHECK(world.back.load<std::uint32_t>(mapped + data_at) == 0);
    sc_core::sc_start(sc_core::sc_get_time_resolution() * 2);
    CHECK(world.back.load<std::uint32_t>(mapped + data_at) == 0xC100);
}

TEST_CASE("a late store of a domain that is gone has no effect") {
    tapped_world world({"front.ring"});
    world.arm("ring.store_late", "front.ring", {{"delay", "5 us"}}, world.nth(1, {{"side", "back"}}));
    const auto mapped = world.map_ring();
    world.back.store<std::uint8_t>(mapped + state_at, 2);
    world.host.destroy(world.back.guest.dom());
    sc_core::sc_start(us(10));
    CHECK(world.front.load<std::uint8_t>(world.page + state_at) == 0);
}

TEST_CASE("a page fault on a ring fails the access and changes nothing") {
    tapped_world world({"front.ring"});
    world.arm("ring.page_fault", "front.ring", {}, world.nth(2, {{"side", "front"}}));
    const auto mapped = world.map_ring();
    CHECK(world.front.store<std::uint8_t>(world.page + state_at, 1));
    CHECK_FALSE(world.front.store<std::uint8_t>(world.page + state_at, 3));
    CHECK(world.back.load<std::uint8_t>(mapped + state_at) == 1);
}

TEST_CASE("a flipped load shows one wrong bit and leaves the page right") {
    tapped_world world({"front.ring"});
    world.arm("ring.load_flipped", "front.ring", {{"from", "1"}, {"bytes", "1"}, {"bit", "3"}});
    world.map_ring();
    world.front.store<std::uint32_t>(world.page, 0);
    CHECK(world.front.load<std::uint32_t>(world.page) == 0x800);
    CHECK(world.front.load<std::uint32_t>(world.page) == 0);
}

TEST_CASE("a flipped store puts adjacent wrong bits into the page") {
    tapped_world world({"front.memory"});
    world.arm("memory.store_flipped", "front.memory",
              {{"from", "0"}, {"bytes", "1"}, {"bit", "6"}, {"bits", "4"}});
    world.front.store<std::uint32_t>(world.page, 0);
    CHECK(world.front.load<std::uint32_t>(world.page) == 0x3C0);
    world.front.store<std::uint32_t>(world.page, 0);
    CHECK(world.front.load<std::uint32_t>(world.page) == 0);
}

TEST_CASE("a flip behind the end of the data hits nothing") {
    tapped_world world({"front.memory"});
    world.arm("memory.load_flipped", "front.memory", {{"from", "4"}});
    world.front.store<std::uint32_t>(world.page, 7);
    CHECK(world.front.load<std::uint32_t>(world.page) == 7);
}

TEST_CASE("memory wires count loads stores and exchanges with their addresses") {
    tapped_world world({"front.memory"});
    auto& lost = world.arm("memory.store_lost", "front.memory", {},
                           world.nth(1, {{"address", "0x5010..0x501f"}, {"length", "4"}}));
    world.front.store<std::uint32_t>(world.page, 1);
    world.front.store<std::uint8_t>(world.page + 0x10, 1);
    world.front.store<std::uint32_t>(world.page + 0x10, 0x20202020);
    CHECK(lost.acted() == 1);
    CHECK(world.front.load<std::uint32_t>(world.page + 0x10) == 1);
    CHECK(world.hub.find("front.memory")->crossings() == 4);
}

TEST_CASE("an exchange that is lost looks as if it had been made") {
    tapped_world world({"front.memory"});
    world.arm("memory.exchange_lost", "front.memory");
    world.front.store<std::uint16_t>(world.page, 1);
    std::uint16_t expected = 1;
    CHECK(world.front.memory.compare_exchange16(world.page, expected, 0));
    CHECK(expected == 1);
    CHECK(world.front.load<std::uint16_t>(world.page) == 1);
    CHECK(world.front.memory.compare_exchange16(world.page, expected, 0));
    CHECK(world.front.load<std::uint16_t>(world.page) == 0);
}

TEST_CASE("an exchange may fault") {
    tapped_world world({"front.memory"});
    world.arm("memory.page_fault", "front.memory", {}, world.nth(1, {{"operation", "exchange"}}));
    std::uint16_t expected = 0;
    CHECK_FALSE(world.front.memory.compare_exchange16(world.page, expected, 1));
    CHECK(world.front.load<std::uint16_t>(world.page) == 0);
}

// ---- at once

TEST_CASE("a bit flip in memory hits one bit of a touched page for good") {
    tapped_world world({"front.memory"});
    world.front.store<std::uint8_t>(world.page, 0);
    world.arm("memory.bit_flip", "front.memory", {{"page", "4"}, {"pages", "12"}}, world.at(us(3)));
    sc_core::sc_start(us(2));
    CHECK(bits_set(content(world.front, world.page)) == 0);
    sc_core::sc_start(us(2));
    CHECK(bits_set(content(world.front, world.page)) == 1);
    CHECK(bits_set(content(world.front, world.page + xen::page_size)) == 0);
}

TEST_CASE("a bit flip at a given place hits that place") {
    tapped_world world({"front.memory"});
    world.arm("memory.bit_flip", "front.memory",
              {{"page", "5"}, {"pages", "1"}, {"from", "17"}, {"bytes", "1"}, {"bit", "7"}, {"bits", "2"}},
              world.at(us(1)));
    world.front.store<std::uint8_t>(world.page, 0);
    sc_core::sc_start(us(2));
    CHECK(world.front.load<std::uint16_t>(world.page + 17) == 0x180);
}

TEST_CASE("a bit flip in pages that nobody touched hits nothing") {
    tapped_world world({"front.memory"});
    auto& armed =
        world.arm("memory.bit_flip", "front.memory", {{"page", "9"}, {"pages", "3"}}, world.at(us(1)));
    sc_core::sc_start(us(2));
    CHECK(armed.begun());
    for (std::uint64_t page = 9; page < 12; ++page)
        CHECK(bits_set(content(world.front, xen::address_of(xen::gfn_t{page}))) == 0);
}

TEST_CASE("a wiped page holds one value everywhere") {
    tapped_world world({"front.memory"});
    world.front.store<std::uint32_t>(world.page + 100, 1);
    world.arm("memory.page_wiped", "front.memory", {{"page", "5"}, {"pages", "1"}, {"value", "0xA5"}},
              world.at(us(1)));
    sc_core::sc_start(us(2));
    const auto all = content(world.front, world.page);
    CHECK(std::ranges::all_of(all, [](std::byte each) { return each == std::byte{0xA5}; }));
}

TEST_CASE("a bit flip in a ring hits the page that both ends share") {
    tapped_world world({"front.ring"});
    const auto mapped = world.map_ring();
    world.arm("ring.bit_flip", "front.ring", {{"from", "4"}, {"bytes", "1"}, {"bit", "1"}}, world.at(us(1)));
    sc_core::sc_start(us(2));
    CHECK(world.back.load<std::uint8_t>(mapped + state_at) == 2);
    CHECK(world.front.load<std::uint8_t>(world.page + state_at) == 2);
    CHECK(bits_set(content(world.front, world.page)) == 1);
}

TEST_CASE("a scrambled part of a ring leaves the rest alone") {
    tapped_world world({"front.ring"});
    world.map_ring();
    world.arm("ring.page_scrambled", "front.ring", {{"from", "8"}, {"bytes", "64"}}, world.at(us(1)));
    sc_core::sc_start(us(2));
    const auto all = content(world.front, world.page);
    CHECK(bits_set(std::span(all).first(8)) == 0);
    CHECK(bits_set(std::span(all).subspan(8, 64)) > 100);
    CHECK(bits_set(std::span(all).subspan(72)) == 0);
}

TEST_CASE("a member changed out of turn is stored again and again at its interval") {
    tapped_world world({"front.ring"});
    const auto mapped = world.map_ring();
    world.arm("ring.member_changed", "front.ring",
              {{"member", "state"}, {"value", "3"}, {"times", "3"}, {"interval", "10 us"}}, world.at(us(10)));
    std::vector<sc_time> stores;
    world.host.memory().watch(*world.front.guest.dom().life()->space.frame_at(world.page),
                              [&](const xen::frame_write& what) {
                                  CHECK(what.offset == state_at);
                                  CHECK(what.writer == world.front.guest.id());
                                  stores.push_back(sc_time_stamp());
                              });
    sc_core::sc_start(us(100));
    CHECK(stores == std::vector{us(10), us(20), us(30)});
    CHECK(world.back.load<std::uint8_t>(mapped + state_at) == 3);
}

TEST_CASE("a member storm ends with its fault or with the ring") {
    tapped_world world({"front.ring"});
    world.map_ring();
    auto when = world.at(us(10));
    when.duration = us(25);
    world.arm(
        "ring.member_changed", "front.ring",
        {{"member", "length"}, {"value", "4089"}, {"side", "back"}, {"times", "0"}, {"interval", "10 us"}},
        when);
    int stores = 0;
    world.host.memory().watch(*world.front.guest.dom().life()->space.frame_at(world.page),
                              [&](const xen::frame_write& what) {
                                  CHECK(what.data.size() == 4);
                                  CHECK(what.writer == world.back.guest.id());
                                  ++stores;
                              });
    sc_core::sc_start(us(25));
    CHECK(stores == 2);
    world.unmap_ring();
    sc_core::sc_start(us(6));
    CHECK(stores == 2);
    world.map_ring();
    sc_core::sc_start(us(100));
    CHECK(stores == 2);
}

TEST_CASE("packet data changes behind the store that it follows") {
    tapped_world world({"front.ring"});
    const auto mapped = world.map_ring();
    world.arm("ring.data_changed", "front.ring", {{"byte", "2"}, {"mask", "0x0f"}},
              world.nth(1, {{"member", "state"}, {"value", "1"}, {"side", "front"}}));
    world.front.store<std::uint32_t>(world.page + data_at, 0);
    world.front.store<std::uint8_t>(world.page + state_at, 3);
    CHECK(world.back.load<std::uint32_t>(mapped + data_at) == 0);
    world.front.store<std::uint8_t>(world.page + state_at, 1);
    CHECK(world.back.load<std::uint8_t>(mapped + state_at) == 1);
    CHECK(world.back.load<std::uint32_t>(mapped + data_at) == 0x0F0000);
}

TEST_CASE("packet data changes at a time and not in a page that was let go") {
    tapped_world world({"front.ring"});
    const auto mapped = world.map_ring();
    trigger twice = world.nth(1, {{"member", "state"}});
    twice.count = 2;
    world.arm("ring.data_changed", "front.ring", {{"byte", "0"}, {"delay", "3 us"}}, twice);
    world.back.store<std::uint8_t>(mapped + state_at, 2);
    sc_core::sc_start(us(2));
    CHECK(world.front.load<std::uint8_t>(world.page + data_at) == 0);
    sc_core::sc_start(us(2));
    CHECK(world.front.load<std::uint8_t>(world.page + data_at) == 0xFF);
    world.back.store<std::uint8_t>(mapped + state_at, 2);
    world.unmap_ring();
    sc_core::sc_start(us(10));
    CHECK(world.front.load<std::uint8_t>(world.page + data_at) == 0xFF);
}
