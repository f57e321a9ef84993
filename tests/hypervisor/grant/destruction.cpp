// What is left of a domain that dies while pages are mapped.
#include <catch2/catch.hpp>

#include "hypervisor/grant/grant_broker.h"
#include "hypervisor/service/service_mapping.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {
struct mapped_pair {
    mapped_pair()
        : host("xen", {}),
          granter(host.add_domain("granter", small()), nullptr),
          mapper(host.add_domain("mapper", small()), nullptr) {
        host.start(granter.dom(), "");
        host.start(mapper.dom(), "");
        granter.grant(ref(8), mapper.id(), page(5));
        op = map();
        REQUIRE(op.status == gntst::okay);
    }
    gnttab_map_grant_ref map(std::uint32_t domid = 1) {
        gnttab_map_grant_ref request{.ref = ref(8), .dom = domid_t(domid)};
        host.grant_operations().map(*mapper.dom().life(), request);
        return request;
    }
    gntst unmap() {
        gnttab_unmap_grant_ref undo{.host_addr = op.host_addr, .handle = op.handle};
        host.grant_operations().unmap(*mapper.dom().life(), {&undo, 1});
        return undo.status;
    }
    machine host;
    guest granter, mapper;
    gnttab_map_grant_ref op;
};
}  // namespace

TEST_CASE("destruction: a dead mapper's pins go without a word") {
    mapped_pair t;
    CHECK(t.granter.flags(ref(8)) == (gtf::permit_access | gtf::reading | gtf::writing));
    t.host.destroy(t.mapper.dom());
    CHECK(t.granter.flags(ref(8)) == gtf::permit_access);
    CHECK(t.granter.dom().life()->grants.total_pins() == 0);
    CHECK_FALSE(t.host.is_zombie(domid_t{2}));
    CHECK(t.mapper.id() == domid_invalid);
}

TEST_CASE("destruction: a granter still mapped becomes a zombie with its last contents") {
    mapped_pair t;
    REQUIRE(t.granter.store<std::uint32_t>(address_of(page(5)), 0xBEEF));
    t.host.destroy(t.granter.dom());
    CHECK(t.host.find(domid_t{1}) == nullptr);
    CHECK(t.host.is_zombie(domid_t{1}));
    CHECK(t.mapper.load<std::uint32_t>(t.op.host_addr) == 0xBEEF);
    CHECK(t.mapper.store<std::uint32_t>(t.op.host_addr, 0xF00D));
    CHECK(t.map().status == gntst::general_error);  // dying: found, but its pages are out of reach

    // Its slot can live again meanwhile; no frame of the zombie is reused.
    CHECK(t.host.start(t.granter.dom(), "") == domid_t{3});
    for (std::uint64_t i = 4; i < 16; ++i)
        REQUIRE(t.granter.store<std::uint32_t>(address_of(page(i)), 1));
    CHECK(t.mapper.load<std::uint32_t>(t.op.host_addr) == 0xF00D);

    CHECK(t.unmap() == gntst::okay);
    CHECK_FALSE(t.host.is_zombie(domid_t{1}));
    CHECK(t.map().status == gntst::bad_domain);
    CHECK(t.granter.flags(ref(8)) == 0);  // a new life, a new table
}

TEST_CASE("destruction: all frames come back in the end") {
    machine host("xen", {});
    guest a(host.add_domain("a", small()), nullptr);
    guest b(host.add_domain("b", small()), nullptr);
    host.start(a.dom(), "");
    host.start(b.dom(), "");
    a.grant(ref(8), b.id(), page(5));
    b.grant(ref(8), a.id(), page(5));
    for (auto* g : {&a, &b}) {
        gnttab_map_grant_ref op{.ref = ref(8), .dom = g == &a ? b.id() : a.id()};
        host.grant_operations().map(*g->dom().life(), op);
        REQUIRE(op.status == gntst::okay);
    }
    CHECK(host.memory().allocated() > 0);
    host.destroy(a.dom());
    CHECK(host.is_zombie(domid_t{1}));
    host.destroy(b.dom());
    CHECK_FALSE(host.is_zombie(domid_t{1}));
    CHECK_FALSE(host.is_zombie(domid_t{2}));
    CHECK(host.memory().allocated() == 0);
}

TEST_CASE("destruction: a service mapping holds a zombie and lets it go") {
    machine host("xen", {});
    guest dom0_guest(host.add_domain("dom0", small_dom0()), nullptr);
    guest domu(host.add_domain("domu", small()), nullptr);
    service_mapping ring, denied;
    CHECK(ring.map(host, dom0, grant_ref_xenstore, false) == gntst::bad_domain);  // nobody to map it
    host.start(dom0_guest.dom(), "");
    CHECK(host.start(domu.dom(), "") == domid_t{1});
    REQUIRE(ring.map(host, domid_t{1}, grant_ref_xenstore, false) == gntst::okay);
    CHECK(denied.map(host, domid_t{1}, ref(8), false) == gntst::general_error);
    CHECK(denied.map(host, domid_t{4}, ref(1), false) == gntst::bad_domain);
    CHECK_FALSE(denied.mapped());
    CHECK(domu.flags(grant_ref_xenstore) == (gtf::permit_access | gtf::reading | gtf::writing));

    const std::array<std::byte, 2> bytes{std::byte{1}, std::byte{2}};
    ring.write(4094, bytes);
    CHECK(domu.load<std::uint16_t>(domu.dom().info().store_page + 4094) == 0x0201);
    host.destroy(domu.dom());
    CHECK(host.is_zombie(domid_t{1}));
    std::array<std::byte, 2> back{};
    ring.read(4094, back);
    CHECK(back == bytes);
    service_mapping moved = std::move(ring);
    CHECK_FALSE(ring.mapped());
    moved.unmap();
    CHECK_FALSE(host.is_zombie(domid_t{1}));
}
