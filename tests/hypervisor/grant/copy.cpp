// GNTTABOP_copy and setup_table.
#include <catch2/catch.hpp>

#include "hypervisor/grant/grant_broker.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {
struct copying {
    copying()
        : host("xen", {.costs = distinct_costs()}),
          granter(host.add_domain("granter", small()), nullptr),
          caller(host.add_domain("caller", small()), nullptr) {
        host.start(granter.dom(), "");
        host.start(caller.dom(), "");
        granter.grant(ref(8), caller.id(), page(5));
        granter.grant(ref(9), caller.id(), page(6), true);
    }
    gnttab_copy from_own_to(grant_ref target, std::uint16_t len) {
        gnttab_copy op;
        op.flags = gnttab_copy::dest_gref;
        op.source = {.gfn = page(5), .domid = domid_self};
        op.dest = {.ref = target, .domid = granter.id()};
        op.len = len;
        return op;
    }
    gntst run(gnttab_copy op) {
        host.grant_operations().copy(*caller.dom().life(), op);
        CHECK(granter.dom().life()->grants.total_pins() == 0);
        CHECK(granter.flags(ref(8)) == gtf::permit_access);
        CHECK(granter.flags(ref(9)) == (gtf::permit_access | gtf::readonly));
        return op.status;
    }
    machine host;
    guest granter, caller;
};
}  // namespace

TEST_CASE("grant copy: bytes move between own pages and granted ones") {
    copying t;
    REQUIRE(t.caller.store<std::uint32_t>(address_of(page(5)) + 100, 0x12345678));
    auto out = t.from_own_to(ref(8), 4);
    out.source.offset = 100;
    out.dest.offset = 4092;
    CHECK(t.run(out) == gntst::okay);
    CHECK(t.granter.load<std::uint32_t>(address_of(page(5)) + 4092) == 0x12345678);
    gnttab_copy in;
    in.flags = gnttab_copy::source_gref;
    in.source = {.ref = ref(8), .domid = t.granter.id(), .offset = 4092};
    in.dest = {.gfn = page(7), .domid = domid_self, .offset = 8};
    in.len = 4;
    CHECK(t.run(in) == gntst::okay);
    CHECK(t.caller.load<std::uint32_t>(address_of(page(7)) + 8) == 0x12345678);
}

TEST_CASE("grant copy: refusals in the order of the checks") {
    copying t;
    auto op = t.from_own_to(ref(8), 16);
    SECTION("length 0 looks at nothing") {
        op.len = 0;
        op.dest = {.ref = ref(9999), .domid = domid_t{99}};
        CHECK(t.run(op) == gntst::okay);
    }
    SECTION("foreign frame number") {
        op.source.domid = t.granter.id();
        CHECK(t.run(op) == gntst::permission_denied);
        op.source.domid = t.caller.id();  // even the caller's own id: only DOMID_SELF
        CHECK(t.run(op) == gntst::permission_denied);
    }
    SECTION("unknown domain") {
        op.dest.domid = domid_t{99};
        CHECK(t.run(op) == gntst::bad_domain);
    }
    SECTION("reference out of range, and before the offsets") {
        op.dest.ref = ref(512);
        CHECK(t.run(op) == gntst::bad_gntref);
        op.dest.offset = 4090;
        CHECK(t.run(op) == gntst::bad_gntref);
    }
    SECTION("read-only destination and invalid entry") {
        op.dest.ref = ref(9);
        CHECK(t.run(op) == gntst::general_error);
        op.dest.ref = ref(10);
        CHECK(t.run(op) == gntst::general_error);
    }
    SECTION("own frame outside memory") {
        op.source.gfn = page(16);
        CHECK(t.run(op) == gntst::bad_page);
    }
    SECTION("page crossed by either side") {
        op.dest.offset = 4081;
        CHECK(t.run(op) == gntst::bad_copy_arg);
        op.dest.offset = 4080;
        CHECK(t.run(op) == gntst::okay);
        op.source.offset = 4081;
        CHECK(t.run(op) == gntst::bad_copy_arg);
    }
    CHECK(t.run(t.from_own_to(ref(8), 16)) == gntst::okay);
}

TEST_CASE("grant setup_table: frames appear and are the table") {
    copying t;
    auto& life = *t.granter.dom().life();
    std::array<guest_addr, 65> frames{};
    auto& operations = t.host.grant_operations();
    CHECK(operations.setup_table(life, 65, frames) == gntst::general_error);  // limit 64
    CHECK(operations.setup_table(life, 4, std::span(frames).first(3)) == gntst::bad_virt_addr);
    REQUIRE(operations.setup_table(life, 4, frames) == gntst::okay);
    CHECK(life.grants.entries() == 2048);
    CHECK(t.granter.load<std::uint16_t>(frames[0] + 8 * 8) == gtf::permit_access);
    CHECK(t.granter.load<std::uint16_t>(frames[0] + 8 * 8 + 2) == to_underlying(t.caller.id()));
    CHECK(t.granter.load<std::uint32_t>(frames[0] + 8 * 8 + 4) == 5);
    // An entry written by software in the last frame works.
    const auto entry = frames[3] + (2047 % 512) * 8;
    CHECK(t.granter.store<std::uint16_t>(entry + 2, to_underlying(t.caller.id())));
    CHECK(t.granter.store<std::uint32_t>(entry + 4, 6));
    CHECK(t.granter.store<std::uint16_t>(entry, gtf::permit_access));
    gnttab_map_grant_ref op{.ref = ref(2047), .dom = t.granter.id()};
    operations.map(*t.caller.dom().life(), op);
    CHECK(op.status == gntst::okay);
    std::uint16_t seen = gtf::permit_access;
    CHECK(t.granter.memory().compare_exchange16(entry, seen, 0));  // gnttab_end_access: busy
    CHECK(seen == (gtf::permit_access | gtf::reading | gtf::writing));
    std::array<guest_addr, 4> again{};
    CHECK(operations.setup_table(life, 4, again) == gntst::okay);
    CHECK(again[3] == frames[3]);
}

TEST_CASE("grant copy: costs per entry and byte are paid") {
    machine host("xen", {.costs = distinct_costs()});
    guest caller(host.add_domain("caller", small()), [](guest& g) {
        std::array<gnttab_copy, 2> ops;
        for (auto& op : ops) {
            op.source = {.gfn = page(5), .domid = domid_self};
            op.dest = {.gfn = page(6), .domid = domid_self};
            op.len = 1000;
        }
        CHECK(g.call().grant_copy(ops) == 0);
        CHECK(sc_time_stamp() == us(1 + 2 * (30 + 1)));
        CHECK(ops[1].status == gntst::okay);
        std::array<guest_addr, 1> frames;
        CHECK(g.call().grant_setup_table(1, frames) == gntst::okay);
        CHECK(sc_time_stamp() == us(64));
    });
    host.start(caller.dom(), "");
    sc_core::sc_start(ms(10));
    CHECK(sc_time_stamp() == ms(10));
}
