// GNTTABOP_map_grant_ref and unmap: every refusal, pins and in-use bits.
#include <catch2/catch.hpp>

#include "hypervisor/grant/grant_broker.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using flag = gnttab_map_grant_ref;

namespace {
/// Two domains without software; operations are made at once through the broker, which has no costs.
struct pair_of_domains {
    explicit pair_of_domains(machine_params params = {}, domain_params mapper_params = small())
        : host("xen", std::move(params)),
          granter(host.add_domain("granter", small()), nullptr),
          mapper(host.add_domain("mapper", std::move(mapper_params)), nullptr),
          third(host.add_domain("third", small()), nullptr) {
        host.start(granter.dom(), "");
        host.start(mapper.dom(), "");
        host.start(third.dom(), "");
    }
    gnttab_map_grant_ref map(guest& by, grant_ref which, std::uint32_t flags = flag::host_map,
                             domid_t dom = domid_t{1}) {
        gnttab_map_grant_ref op{.flags = flags, .ref = which, .dom = dom};
        host.grant_operations().map(*by.dom().life(), op);
        return op;
    }
    gntst unmap(guest& by, const gnttab_map_grant_ref& op, bool host_part = true, bool device_part = false) {
        gnttab_unmap_grant_ref undo{.host_addr = host_part ? op.host_addr : guest_addr{},
                                    .handle = op.handle,
                                    .dev_bus_addr = device_part ? op.dev_bus_addr : 0};
        host.grant_operations().unmap(*by.dom().life(), {&undo, 1});
        return undo.status;
    }
    grant_table& table() { return granter.dom().life()->grants; }

    machine host;
    guest granter, mapper, third;
};
constexpr std::uint16_t live = gtf::permit_access;
constexpr std::uint16_t in_use = gtf::permit_access | gtf::reading | gtf::writing;
}  // namespace

TEST_CASE("grant map: a mapped page is the granter's page and marks the entry in use") {
    pair_of_domains t;
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    const auto op = t.map(t.mapper, ref(8));
    REQUIRE(op.status == gntst::okay);
    CHECK(to_underlying(op.handle) == 0);
    CHECK(op.host_addr == guest_addr{16 * page_size});  // above its own 16 pages
    CHECK(t.granter.flags(ref(8)) == in_use);
    CHECK(t.table().pins(ref(8)) == 1);

    CHECK(t.granter.store<std::uint32_t>(address_of(page(5)) + 12, 0xCAFE));
    CHECK(t.mapper.load<std::uint32_t>(op.host_addr + 12) == 0xCAFE);
    CHECK(t.mapper.store<std::uint8_t>(op.host_addr + 4095, 7));
    CHECK(t.granter.load<std::uint8_t>(address_of(page(5)) + 4095) == 7);

    CHECK(t.unmap(t.mapper, op) == gntst::okay);
    CHECK(t.granter.flags(ref(8)) == live);
    CHECK(t.table().pins(ref(8)) == 0);
    CHECK_FALSE(t.mapper.store<std::uint8_t>(op.host_addr, 1));  // page fault
    CHECK(t.mapper.dom().life()->maps.live() == 0);
}

TEST_CASE("grant map: refusals in the order of the checks") {
    pair_of_domains t;
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    SECTION("row 1 no map flag") {
        CHECK(t.map(t.mapper, ref(8), flag::read_only).status == gntst::bad_gntref);
    }
    SECTION("row 3 unknown domain") {
        CHECK(t.map(t.mapper, ref(8), flag::host_map, domid_t{77}).status == gntst::bad_domain);
    }
    SECTION("row 3 DOMID_SELF is not accepted but the own number is") {
        t.mapper.grant(ref(8), t.mapper.id(), page(5));
        CHECK(t.map(t.mapper, ref(8), flag::host_map, domid_self).status == gntst::bad_domain);
        CHECK(t.map(t.mapper, ref(8), flag::host_map, t.mapper.id()).status == gntst::okay);
    }
    SECTION("row 6 beyond the table") {
        CHECK(t.map(t.mapper, ref(512)).status == gntst::bad_gntref);
        CHECK(t.map(t.mapper, ref(0xFFFFFFFF)).status == gntst::bad_gntref);
        CHECK(t.map(t.mapper, ref(511)).status == gntst::general_error);  // in the table but invalid
    }
    SECTION("row 7 pinned by another domain") {
        REQUIRE(t.map(t.mapper, ref(8)).status == gntst::okay);
        t.granter.grant(ref(8), t.third.id(), page(5));  // the shared entry now names the third domain
        CHECK(t.map(t.third, ref(8)).status == gntst::general_error);
    }
    SECTION("row 8 granted to someone else") {
        CHECK(t.map(t.third, ref(8)).status == gntst::general_error);
    }
    SECTION("row 8 wrong type and sub-page") {
        t.table().set_entry(ref(8), gtf::accept_transfer, t.mapper.id(), page(5));
        CHECK(t.map(t.mapper, ref(8)).status == gntst::general_error);
        t.table().set_entry(ref(8), gtf::permit_access | gtf::sub_page, t.mapper.id(), page(5));
        CHECK(t.map(t.mapper, ref(8)).status == gntst::general_error);
    }
    SECTION("row 9 write to a read-only grant") {
        t.granter.grant(ref(8), t.mapper.id(), page(5), true);
        CHECK(t.map(t.mapper, ref(8)).status == gntst::general_error);
        CHECK(t.granter.flags(ref(8)) == (live | gtf::readonly));
        CHECK(t.map(t.mapper, ref(8), flag::host_map | flag::read_only).status == gntst::okay);
        CHECK(t.granter.flags(ref(8)) == (live | gtf::readonly | gtf::reading));
    }
    SECTION("row 12 frame outside the granter's memory undoes the bits") {
        t.granter.grant(ref(8), t.mapper.id(), page(16));
        CHECK(t.map(t.mapper, ref(8)).status == gntst::bad_page);
        CHECK(t.granter.flags(ref(8)) == live);
        t.granter.grant(ref(8), t.mapper.id(), page(15));
        CHECK(t.map(t.mapper, ref(8)).status == gntst::okay);
    }
    CHECK(t.mapper.dom().life()->maps.live() ==
          t.table().total_pins() + t.mapper.dom().life()->grants.total_pins());
}

TEST_CASE("grant map: row 4 the security policy decides before anything is taken") {
    machine_params params;
    params.policy = [](std::string_view, std::string_view, xsm_operation what) {
        return what != xsm_operation::grant_map;
    };
    pair_of_domains t(params);
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    CHECK(t.map(t.mapper, ref(8)).status == gntst::permission_denied);
    CHECK(t.map(t.mapper, ref(8), flag::host_map, domid_t{9}).status == gntst::bad_domain);
    CHECK(t.mapper.dom().life()->maps.size() == 0);
    CHECK(t.granter.flags(ref(8)) == live);
}

TEST_CASE("grant map: row 5 maptrack exhausted") {
    auto params = small();
    params.max_maptrack_frames = 1;
    pair_of_domains t({}, params);
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    t.granter.grant(ref(9), t.mapper.id(), page(6));
    // One frame has 256 handles, of which one stays behind as the list's tail.
    for (int i = 0; i < 127; ++i)
        REQUIRE(t.map(t.mapper, ref(8)).status == gntst::okay);
    for (int i = 0; i < 128; ++i)
        REQUIRE(t.map(t.mapper, ref(9)).status == gntst::okay);
    CHECK(t.map(t.mapper, ref(8)).status == gntst::no_space);
    CHECK(t.map(t.mapper, ref(600)).status == gntst::no_space);  // before row 6
}

TEST_CASE("grant map: the 129th pin of one kind is refused") {
    pair_of_domains t;
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    gnttab_map_grant_ref last;
    for (int i = 0; i < 128; ++i)
        REQUIRE((last = t.map(t.mapper, ref(8))).status == gntst::okay);
    CHECK(t.map(t.mapper, ref(8)).status == gntst::general_error);
    CHECK(t.map(t.mapper, ref(8), flag::host_map | flag::read_only).status ==
          gntst::okay);  // another counter
    CHECK(t.map(t.mapper, ref(8), flag::device_map).status == gntst::okay);
    CHECK(t.unmap(t.mapper, last) == gntst::okay);
    CHECK(t.map(t.mapper, ref(8)).status == gntst::okay);
    CHECK(t.table().pins(ref(8)) == 130);
    CHECK(t.mapper.dom().life()->maps.live() == 130);
}

TEST_CASE("grant map: writing is cleared with the last writable pin and reading with the last") {
    pair_of_domains t;
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    const auto reader = t.map(t.mapper, ref(8), flag::host_map | flag::read_only);
    CHECK(t.granter.flags(ref(8)) == (live | gtf::reading));
    CHECK_FALSE(t.mapper.store<std::uint8_t>(reader.host_addr, 1));
    const auto writer = t.map(t.mapper, ref(8));
    CHECK(t.granter.flags(ref(8)) == in_use);
    CHECK(t.unmap(t.mapper, writer) == gntst::okay);
    CHECK(t.granter.flags(ref(8)) == (live | gtf::reading));
    CHECK(t.unmap(t.mapper, reader) == gntst::okay);
    CHECK(t.granter.flags(ref(8)) == live);
}

TEST_CASE("grant map: a pinned entry does not look at the shared one again") {
    pair_of_domains t;
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    REQUIRE(t.granter.store<std::uint8_t>(address_of(page(5)), 55));
    const auto first = t.map(t.mapper, ref(8));
    t.table().set_entry(ref(8), 0, t.third.id(), page(6));  // "revoked" by hand
    const auto second = t.map(t.mapper, ref(8));
    REQUIRE(second.status == gntst::okay);
    CHECK(t.mapper.load<std::uint8_t>(second.host_addr) == 55);
    CHECK(t.granter.flags(ref(8)) == 0);
    CHECK(t.unmap(t.mapper, first) == gntst::okay);
    CHECK(t.unmap(t.mapper, second) == gntst::okay);
    CHECK(t.map(t.mapper, ref(8)).status == gntst::general_error);
}

TEST_CASE("grant unmap: refusals and the two parts of a mapping") {
    pair_of_domains t;
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    const auto op = t.map(t.mapper, ref(8), flag::host_map | flag::device_map);
    CHECK(t.table().pins(ref(8)) == 2);
    auto other = op;
    SECTION("unknown handle") {
        other.handle = grant_handle{1};
        CHECK(t.unmap(t.mapper, other) == gntst::bad_handle);
        other.handle = grant_handle{5000};
        CHECK(t.unmap(t.mapper, other) == gntst::bad_handle);
    }
    SECTION("wrong host address leaves both parts") {
        other.host_addr = op.host_addr + page_size;
        CHECK(t.unmap(t.mapper, other, true, true) == gntst::general_error);
        CHECK(t.table().pins(ref(8)) == 2);
    }
    SECTION("wrong device address") {
        other.dev_bus_addr += page_size;
        CHECK(t.unmap(t.mapper, other, true, true) == gntst::bad_dev_addr);
        CHECK(t.table().pins(ref(8)) == 2);
    }
    SECTION("no part named does nothing") {
        CHECK(t.unmap(t.mapper, op, false, false) == gntst::okay);
        CHECK(t.table().pins(ref(8)) == 2);
    }
    CHECK(t.unmap(t.mapper, op, true, false) == gntst::okay);
    CHECK(t.table().pins(ref(8)) == 1);
    CHECK(t.granter.flags(ref(8)) == in_use);
    CHECK(t.unmap(t.mapper, op, false, true) == gntst::okay);
    CHECK(t.granter.flags(ref(8)) == live);
    CHECK(t.unmap(t.mapper, op, false, true) == gntst::bad_handle);  // twice
}

TEST_CASE("grant map: each entry of a call pays and takes effect on its own") {
    machine host("xen", {.pcpus = 2, .costs = distinct_costs()});
    guest granter(host.add_domain("granter", small()), nullptr);
    std::vector<gntst> seen;
    std::vector<sc_time> unmapped;
    guest mapper(host.add_domain("mapper", small()), [&](guest& g) {
        std::vector<gnttab_map_grant_ref> ops(3);
        for (std::uint32_t i = 0; i < 3; ++i)
            ops[i] = {.ref = ref(8 + i), .dom = granter.id()};
        CHECK(g.call().grant_map(ops) == 0);
        CHECK(sc_time_stamp() == us(1 + 3 * 10));
        for (const auto& op : ops)
            seen.push_back(op.status);
        std::vector<gnttab_unmap_grant_ref> undo(33);
        undo[0] = {.host_addr = ops[0].host_addr, .handle = ops[0].handle};
        undo[32] = {.host_addr = ops[2].host_addr, .handle = ops[2].handle};
        CHECK(g.call().grant_unmap(undo) == 0);
        CHECK(sc_time_stamp() == us(31 + 1 + 33 * 20));
        CHECK(undo[1].status == gntst::bad_handle);
    });
    // The second entry is offered only while the call is under way, the third one is taken back before its
    // turn.
    sc_core::sc_spawn([&] {
        granter.grant(ref(8), mapper.id(), page(5));
        granter.grant(ref(9), mapper.id(), page(6));
        granter.grant(ref(10), mapper.id(), page(7));
        wait(us(15));
        CHECK(granter.flags(ref(8)) == in_use);
        CHECK(granter.flags(ref(9)) == live);
        granter.dom().life()->grants.set_entry(ref(9), 0, domid_t{}, gfn_t{});
        wait(us(32 + 32 * 20) - us(16));  // the first 32 entries are one batch
        CHECK(granter.flags(ref(8)) == in_use);
        wait(us(2));
        CHECK(granter.flags(ref(8)) == live);
        CHECK(granter.flags(ref(10)) == in_use);
    });
    host.start(granter.dom(), "");
    host.start(mapper.dom(), "");
    sc_core::sc_start(ms(10));
    CHECK(seen == std::vector{gntst::okay, gntst::general_error, gntst::okay});
    CHECK(granter.flags(ref(10)) == live);
}

TEST_CASE("grant map: observers see each mapping come and go") {
    struct listener : tlm::tlm_analysis_if<grant_map_change> {
        void write(const grant_map_change& change) override { seen.push_back(change); }
        std::vector<grant_map_change> seen;
    } log;
    pair_of_domains t;
    t.host.grants.bind(log);
    t.granter.grant(ref(8), t.mapper.id(), page(5));
    t.map(t.mapper, ref(9));
    const auto op = t.map(t.mapper, ref(8));
    t.unmap(t.mapper, op);
    REQUIRE(log.seen.size() == 2);
    CHECK(log.seen[0].mapped);
    CHECK(log.seen[0].mapper == domid_t{2});
    CHECK(log.seen[0].granter == domid_t{1});
    CHECK(log.seen[0].ref == ref(8));
    CHECK(to_underlying(log.seen[0].frame) * page_size == op.dev_bus_addr);
    CHECK_FALSE(log.seen[1].mapped);
}
