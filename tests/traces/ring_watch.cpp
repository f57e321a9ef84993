#include "traces/ring_watch.h"

#include <catch2/catch.hpp>

#include "tests/traces/octets.h"

using namespace vtwin;
using namespace vtwin::trace;
using vtwin::test::octets;

namespace {

struct rings_bench {
    xen::machine_memory memory;
    std::vector<ring_change> seen;
    std::vector<std::vector<std::byte>> packets;
    ring_watch rings{memory, [this](const ring_change& what) {
                         seen.push_back(what);
                         packets.emplace_back(what.packet.begin(), what.packet.end());
                     }};
    xen::mfn_t frame = memory.allocate(xen::domid_t{5});

    void store(std::size_t offset, const std::vector<std::byte>& data) {
        memory.write(frame, xen::domid_t{5}, offset, data);
    }
};

}  // namespace

TEST_CASE("stores to a mapped ring are decoded until it is unmapped") {
    rings_bench b;
    b.store(0, octets({1}));  // nobody watches yet
    b.rings.mapped(xen::domid_t{2}, xen::domid_t{5}, b.frame);
    REQUIRE(b.seen.size() == 1);
    CHECK(b.seen[0].length == 1);
    CHECK_FALSE(b.seen[0].state_stored);

    b.store(
        8, octets({0x00, 0xC1, 0, 0, 0, 14, 0, 0, 0, 0x15, 0, 0, 0, 4}));  // the packet alone reports nothing
    CHECK(b.seen.size() == 1);
    b.store(0, octets({14, 0, 0, 0}));
    b.store(4, octets({1}));
    REQUIRE(b.seen.size() == 3);
    CHECK_FALSE(b.seen[1].state_stored);
    CHECK(b.seen[2].state_stored);
    CHECK(b.seen[2].state == ring_state::submit);
    CHECK(b.seen[2].length == 14);
    CHECK(b.seen[2].tag == 0x00C1);
    CHECK(b.seen[2].code == 0x15);
    CHECK(b.seen[2].frontend == xen::domid_t{5});
    CHECK(b.seen[2].backend == xen::domid_t{2});
    CHECK(b.packets[2] == octets({0x00, 0xC1, 0, 0, 0, 14, 0, 0, 0, 0x15, 0, 0, 0, 4}));

    b.store(4, octets({3, 2}));
    CHECK(b.seen.back().state == ring_state::cancel);
    CHECK(b.seen.back().locality == 2);
    b.rings.unmapped(b.frame);
    b.store(4, octets({1}));
    CHECK(b.seen.size() == 4);
}

TEST_CASE("a request that was sent before the page is mapped is seen when it is") {
    rings_bench b;
    b.store(0, octets({14, 0, 0, 0, 1, 0, 0, 0, 0x00, 0xC1, 0, 0, 0, 14, 0, 0, 0, 0x15}));
    b.rings.mapped(xen::domid_t{2}, xen::domid_t{5}, b.frame);
    REQUIRE(b.seen.size() == 1);
    CHECK(b.seen[0].state_stored);
    CHECK(b.seen[0].state == ring_state::submit);
    CHECK(b.seen[0].code == 0x15);
}

TEST_CASE("extra pages move the packet") {
    rings_bench b;
    b.rings.mapped(xen::domid_t{2}, xen::domid_t{5}, b.frame);
    b.store(1028, octets({0x01, 0xC1, 0, 0, 0, 10, 0, 0, 0, 2}));
    b.store(7, octets({255}));
    CHECK(b.seen.back().tag == 0x01C1);
    CHECK(b.seen.back().code == 2);
}

TEST_CASE("a packet ends where its page does whatever the length says") {
    rings_bench b;
    b.rings.mapped(xen::domid_t{2}, xen::domid_t{5}, b.frame);
    b.store(0, octets({0xFF, 0xFF, 0xFF, 0xFF, 1}));
    CHECK(b.seen.back().length == 0xFFFFFFFF);
    CHECK(b.packets.back().size() == 4088);
    b.store(7, octets({255}));
    CHECK(b.packets.back().size() == 3068);
    CHECK(b.seen.back().life == 0);
    b.rings.mapped(xen::domid_t{2}, xen::domid_t{5}, b.frame);
    CHECK(b.seen.back().life == 1);
}
