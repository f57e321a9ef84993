#include "tests/scenarios/faults/tapped_world.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// Counts the crossings that meet conditions; acts on nothing.
armed_fault& counted(tapped_world& world, const std::string& on, std::vector<condition> where) {
    std::ranges::sort(where);
    fault what;
    what.name = "count";
    what.when.on = what.target = on;
    what.when.where = std::move(where);
    what.when.count = 0;
    return world.hub.arm(what, nullptr, 7);
}

}  // namespace

TEST_CASE("a ring's wire carries what both ends do to the mapped page and nothing else") {
    tapped_world world({"front.ring"});
    const auto& ring = *world.hub.find("front.ring");
    world.front.store<std::uint8_t>(world.page + 4, 1);
    CHECK(ring.crossings() == 0);  // not mapped yet: a page like any other

    const auto mapped = world.map_ring();
    world.front.store<std::uint8_t>(world.page + 4, 1);
    CHECK(world.back.load<std::uint8_t>(mapped + 4) == 1);
    CHECK(ring.crossings() == 2);
    world.front.store<std::uint8_t>(xen::address_of(xen::gfn_t{6}) + 4, 1);
    world.back.store<std::uint8_t>(xen::address_of(xen::gfn_t{5}) + 4, 1);  // its own page 5
    CHECK(ring.crossings() == 2);

    world.unmap_ring();
    world.front.store<std::uint8_t>(world.page + 4, 1);
    CHECK(ring.crossings() == 2);
}

TEST_CASE("crossings of a ring say which end does what to which member") {
    tapped_world world({"front.ring"});
    const auto submits =
        &counted(world, "front.ring",
                 {{"operation", "store"}, {"side", "front"}, {"member", "state"}, {"value", "1"}});
    const auto answers =
        &counted(world, "front.ring", {{"side", "back"}, {"member", "length"}, {"value", "30"}});
    const auto packets = &counted(world, "front.ring", {{"member", "data"}, {"length", "10..12"}});
    const auto whole = &counted(world, "front.ring", {{"member", "page"}});
    const auto mapped = world.map_ring();
    const std::array<std::byte, 12> packet{};

    REQUIRE(world.front.memory.write(world.page + 8, packet));
    world.front.store<std::uint32_t>(world.page, 12);
    world.front.store<std::uint8_t>(world.page + 4, 0);
    world.front.store<std::uint8_t>(world.page + 4, 1);
    world.back.store<std::uint8_t>(mapped + 4, 1);  // the wrong end
    world.back.store<std::uint32_t>(mapped, 30);
    CHECK(world.front.load<std::uint32_t>(world.page) == 30);
    CHECK(world.back.load<std::uint32_t>(mapped) == 30);  // a load of the value counts as well
    CHECK(world.front.load<std::uint64_t>(world.page) == 0x1'0000'001E);

    CHECK(submits->acted() == 1);
    CHECK(answers->acted() == 2);
    CHECK(packets->acted() == 1);
    CHECK(whole->acted() == 1);
}

TEST_CASE("members of a shared page are told apart to the byte") {
    CHECK(member_at(0, 4) == "length");
    CHECK(member_at(4, 1) == "state");
    CHECK(member_at(5, 1) == "locality");
    CHECK(member_at(6, 1) == "pad");
    CHECK(member_at(7, 1) == "extra_pages");
    CHECK(member_at(8, 4088) == "data");
    CHECK(member_at(4095, 1) == "data");
    CHECK(member_at(3, 2) == "page");
    CHECK(member_at(7, 2) == "page");
    CHECK(member_at(0, 4096) == "page");
}

TEST_CASE("a page that the frontend maps from its back end is no ring") {
    tapped_world world({"front.ring"});
    world.back.guest.grant(xen::test::ref(9), world.front.guest.id(), xen::test::page(5));
    xen::gnttab_map_grant_ref op{.ref = xen::test::ref(9), .dom = world.back.guest.id()};
    world.host.grant_operations().map(*world.front.guest.dom().life(), op);
    REQUIRE(op.status == xen::gntst::okay);
    world.back.store<std::uint8_t>(world.page + 4, 1);
    CHECK(world.front.load<std::uint8_t>(op.host_addr + 4) == 1);
    CHECK(world.hub.find("front.ring")->crossings() == 0);
}

TEST_CASE("a ring mapped twice is one until both mappings are gone") {
    tapped_world world({"front.ring"});
    world.map_ring();
    const auto first = world.mapped;
    world.map_ring();
    world.unmap_ring();
    world.front.store<std::uint8_t>(world.page, 1);
    CHECK(world.hub.find("front.ring")->crossings() == 1);
    world.mapped = first;
    world.unmap_ring();
    world.front.store<std::uint8_t>(world.page, 1);
    CHECK(world.hub.find("front.ring")->crossings() == 1);
}

TEST_CASE("no tap stands where nobody wants a wire") {
    tapped_world world({});
    CHECK(&world.front.call == &world.front.guest.call());
    CHECK(&world.front.memory == &world.front.guest.memory());
    CHECK(world.hub.wires().empty());
}

TEST_CASE("a tap on one domain's hypercalls leaves the rest alone") {
    tapped_world world({"front.hypercall"});
    CHECK(&world.front.call != &world.front.guest.call());
    CHECK(&world.back.call == &world.back.guest.call());
    CHECK(&world.front.memory == &world.front.guest.memory());
}

TEST_CASE("a ring puts taps on the memory of two domains") {
    tapped_world world({"front.ring"});
    CHECK(&world.front.memory != &world.front.guest.memory());
    CHECK(&world.back.memory != &world.back.guest.memory());
    CHECK(world.hub.find("front.memory") == nullptr);
}

TEST_CASE("a hub knows whether a pattern may want a name with some ending") {
    const auto may = [](const std::string& pattern) { return wire_hub({pattern}).may_want_ending(".ring"); };
    CHECK(may("guest1.ring"));
    CHECK(may("*.ring"));
    CHECK(may("*"));
    CHECK(may("guest*"));
    CHECK(may("guest?.r?ng"));
    CHECK(may("*ing"));
    CHECK_FALSE(may("guest1.memory"));
    CHECK_FALSE(may("*.memory"));
    CHECK_FALSE(may("ring"));
    CHECK_FALSE(may("guest1"));
    CHECK_FALSE(may(""));
}
