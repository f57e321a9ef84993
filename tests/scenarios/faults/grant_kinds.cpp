#include "tests/scenarios/faults/tapped_world.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// The back end's program runs with the frontend's pages 5, 6 and 7 holding 0x55, 0x66 and 0x77, all granted
/// to it: references 8, 10 (page 6, read only).
struct grant_world : tapped_world {
    explicit grant_world(std::function<void(grant_world&, tapped_domain&)> body)
        : tapped_world({"back.hypercall", "front.hypercall"}, {}, [this, body](tapped_domain& self) {
              body(*this, self);
              finished = true;
          }) {
        for (std::uint64_t page = 5; page < 8; ++page)
            front.store<std::uint8_t>(xen::address_of(xen::gfn_t{page}),
                                      static_cast<std::uint8_t>(0x11 * page));
        front.guest.grant(xen::test::ref(10), back.guest.id(), xen::test::page(6), true);
    }
    void run_all() {
        run(ms(200));
        CHECK(finished);
    }
    std::uint16_t table_flags(std::uint32_t ref) { return front.guest.flags(xen::test::ref(ref)); }
    bool finished = false;
};

xen::gntst unmap(tapped_domain& self, const xen::gnttab_map_grant_ref& mapped) {
    xen::gnttab_unmap_grant_ref op{.host_addr = mapped.host_addr, .handle = mapped.handle};
    CHECK(self.call.grant_unmap({&op, 1}) == 0);
    return op.status;
}

}  // namespace

TEST_CASE("a grant map fails with the status that was chosen and maps nothing") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref op;
        const auto before = sc_time_stamp();
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::no_device_space);
        CHECK(sc_time_stamp() - before == us(1 + 10));
        CHECK(of.table_flags(8) == xen::gtf::permit_access);
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst{1});
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::okay);
        CHECK(self.load<std::uint8_t>(op.host_addr) == 0x55);
    });
    world.arm("hypercall.grant_map_fails", "back.hypercall", {{"status", "no_device_space"}});
    world.arm("hypercall.grant_map_fails", "back.hypercall", {{"status", "positive"}}, world.nth(2));
    world.run_all();
}

TEST_CASE("one entry of a batch fails and the others are mapped") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        std::array<xen::gnttab_map_grant_ref, 3> ops;
        for (auto& op : ops) {
            op.dom = of.front.guest.id();
            op.ref = xen::test::ref(8);
        }
        CHECK(self.call.grant_map(ops) == 0);
        CHECK(ops[0].status == xen::gntst::okay);
        CHECK(ops[1].status == xen::gntst::eagain);
        CHECK(ops[2].status == xen::gntst::okay);
        CHECK(self.load<std::uint8_t>(ops[0].host_addr) == 0x55);
        CHECK(self.load<std::uint8_t>(ops[2].host_addr) == 0x55);
    });
    world.arm("hypercall.grant_map_fails", "back.hypercall", {{"status", "eagain"}}, world.nth(2));
    world.run_all();
}

TEST_CASE("grant operations are counted by peer and reference") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref read_only{
            .flags = xen::gnttab_map_grant_ref::host_map | xen::gnttab_map_grant_ref::read_only,
            .ref = xen::test::ref(10),
            .dom = of.front.guest.id()};
        CHECK(self.call.grant_map({&read_only, 1}) == 0);
        CHECK(read_only.status == xen::gntst::bad_page);
        xen::gnttab_map_grant_ref op;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::okay);
        CHECK(unmap(self, op) == xen::gntst::bad_handle);
    });
    auto& map = world.arm("hypercall.grant_map_fails", "back.hypercall", {{"status", "bad_page"}},
                          world.nth(1, {{"peer", "front"}, {"ref", "10"}}));
    auto& unmap = world.arm("hypercall.grant_unmap_fails", "back.hypercall", {},
                            world.nth(1, {{"peer", "front"}, {"ref", "8"}}));
    world.run_all();
    CHECK(map.acted() == 1);
    CHECK(unmap.acted() == 1);
}

TEST_CASE("a wrong frame is mapped and the granter's table stays right") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref op, right;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::okay);
        CHECK(self.load<std::uint8_t>(op.host_addr) == 0x77);
        CHECK(unmap(self, op) == xen::gntst::okay);
        CHECK(self.map(of.front.guest.id(), right) == xen::gntst::okay);
        CHECK(self.load<std::uint8_t>(right.host_addr) == 0x55);
    });
    world.arm("hypercall.grant_map_wrong_frame", "back.hypercall", {{"pages", "2"}});
    world.run_all();
}

TEST_CASE("a wrong frame outside the granter's memory is refused") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref op;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::bad_page);
        CHECK(of.table_flags(8) == xen::gtf::permit_access);
    });
    world.arm("hypercall.grant_map_wrong_frame", "back.hypercall", {{"pages", "100"}});
    world.run_all();
}

TEST_CASE("another reference is mapped or refused as its entry says") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref op;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::general_error);  // not granted to anybody
        CHECK(op.ref == xen::test::ref(8));
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::general_error);  // read only
    });
    world.arm("hypercall.grant_map_other_reference", "back.hypercall", {{"ref", "11"}});
    world.arm("hypercall.grant_map_other_reference", "back.hypercall", {{"ref", "10"}}, world.nth(2));
    world.run_all();
}

TEST_CASE("a mapping comes without the right to write") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref op, second;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::okay);
        CHECK(self.load<std::uint8_t>(op.host_addr) == 0x55);
        CHECK_FALSE(self.store<std::uint8_t>(op.host_addr, 1));
        CHECK(self.map(of.front.guest.id(), second) == xen::gntst::okay);
        CHECK(self.store<std::uint8_t>(second.host_addr, 1));
    });
    world.arm("hypercall.grant_map_rights", "back.hypercall");
    world.run_all();
}

TEST_CASE("an unmap that fails or is skipped leaves the page mapped") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref op;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::okay);
        CHECK(unmap(self, op) == xen::gntst::bad_virt_addr);
        CHECK(self.load<std::uint8_t>(op.host_addr) == 0x55);
        CHECK(unmap(self, op) == xen::gntst::okay);
        CHECK(self.load<std::uint8_t>(op.host_addr) == 0x55);
        CHECK(unmap(self, op) == xen::gntst::okay);
        std::array<std::byte, 1> octet;
        CHECK_FALSE(self.memory.read(op.host_addr, octet));
    });
    world.arm("hypercall.grant_unmap_fails", "back.hypercall", {{"status", "bad_virt_addr"}});
    world.arm("hypercall.grant_unmap_skipped", "back.hypercall", {}, world.nth(2));
    world.run_all();
}

TEST_CASE("a grant copy fails or copies less than it says") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        const auto own = xen::address_of(xen::gfn_t{9});
        const auto copy = [&](xen::gntst before) {
            xen::gnttab_copy op;
            op.source.ref = xen::test::ref(8);
            op.source.domid = of.front.guest.id();
            op.dest.gfn = xen::gfn_t{9};
            op.dest.domid = xen::domid_self;
            op.len = 8;
            op.flags = xen::gnttab_copy::source_gref;
            op.status = before;
            CHECK(self.call.grant_copy({&op, 1}) == 0);
            CHECK(op.len == 8);
            return op.status;
        };
        of.front.store<std::uint64_t>(of.page, 0x8877665544332211);
        CHECK(copy(xen::gntst::okay) == xen::gntst::bad_copy_arg);
        CHECK(copy(xen::gntst{77}) == xen::gntst{77});
        CHECK(self.load<std::uint64_t>(own) == 0);
        CHECK(copy(xen::gntst::okay) == xen::gntst::okay);
        CHECK(self.load<std::uint64_t>(own) == 0x332211);
        CHECK(copy(xen::gntst::okay) == xen::gntst::okay);
        CHECK(self.load<std::uint64_t>(own) == 0x8877665544332211);
    });
    world.arm("hypercall.grant_copy_fails", "back.hypercall", {{"status", "bad_copy_arg"}});
    world.arm("hypercall.grant_copy_fails", "back.hypercall", {{"status", "untouched"}}, world.nth(2));
    world.arm("hypercall.grant_copy_shortened", "back.hypercall", {{"bytes", "3"}}, world.nth(3));
    world.run_all();
}

TEST_CASE("a grant table is refused once") {
    grant_world world([](grant_world&, tapped_domain& self) {
        std::array<xen::guest_addr, 2> frames{};
        CHECK(self.call.grant_setup_table(2, frames) == xen::gntst::no_space);
        CHECK(frames[0] == xen::guest_addr{});
        CHECK(self.call.grant_setup_table(2, frames) == xen::gntst::okay);
    });
    world.arm("hypercall.grant_table_refused", "back.hypercall", {{"status", "no_space"}});
    world.run_all();
}

TEST_CASE("a grant that is revoked stays usable while it is mapped and not after") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        xen::gnttab_map_grant_ref op, again;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::okay);
        self.guest.cpu().block(ms(50));
        CHECK(self.load<std::uint8_t>(op.host_addr) == 0x55);
        CHECK(unmap(self, op) == xen::gntst::okay);
        CHECK(self.map(of.front.guest.id(), again) == xen::gntst::general_error);
    });
    world.arm("hypercall.grant_revoked", "front.hypercall", {{"peer", "back"}}, world.at(ms(40)));
    world.run_all();
}

TEST_CASE("grants to another domain than the named one are not revoked") {
    grant_world world([](grant_world& of, tapped_domain& self) {
        self.guest.cpu().block(ms(50));
        xen::gnttab_map_grant_ref op;
        CHECK(self.map(of.front.guest.id(), op) == xen::gntst::okay);
    });
    world.arm("hypercall.grant_revoked", "front.hypercall", {{"peer", "front"}}, world.at(ms(40)));
    world.run_all();
}
