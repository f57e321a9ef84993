#include "hypervisor/machine.h"

#include <catch2/catch.hpp>

#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

TEST_CASE("machine: events cross between two domains at exact times") {
    machine host("xen", {.pcpus = 2, .costs = distinct_costs()});
    evtchn_port port_a{}, port_b{};
    std::vector<sc_time> seen;
    guest a(host.add_domain("a", small()), [&](guest& g) {
        g.take_upcalls();
        CHECK(g.call().evtchn_alloc_unbound(domid_self, domid_t{2}, port_a) == 0);
        CHECK(sc_time_stamp() == us(3));
        g.handlers[to_underlying(port_a)] = [&] { seen.push_back(sc_time_stamp()); };
        g.cpu().block(std::nullopt);
        seen.push_back(sc_time_stamp());
    });
    guest b(host.add_domain("b", small()), [&](guest& g) {
        g.cpu().block(us(50));
        CHECK(sc_time_stamp() == us(1050));  // woken at 50, then upcall_blocked
        CHECK(g.call().evtchn_bind_interdomain(domid_t{1}, port_a, port_b) == 0);
        CHECK(sc_time_stamp() == us(1053));
        CHECK(g.call().evtchn_send(port_b) == 0);
        CHECK(sc_time_stamp() == us(1057));
    });
    host.start(a.dom(), "");
    host.start(b.dom(), "");
    sc_core::sc_start(ms(100));
    REQUIRE(seen.size() == 2);
    CHECK(seen[0] == us(1057 + 1000 + 100));  // upcall_blocked, upcall_running
    CHECK(seen[1] == seen[0]);                // block returns after the handler
}

TEST_CASE("machine: a paused domain pays the rest of its time after as many unpauses") {
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    sc_time done;
    guest a(host.add_domain("a", small()), [&](guest& g) {
        g.cpu().charge(ms(10));
        g.cpu().sync();
        done = sc_time_stamp();
    });
    CHECK_FALSE(host.pause(a.dom()));
    host.start(a.dom(), "");
    sc_core::sc_start(ms(4));
    CHECK(host.pause(a.dom()));
    CHECK(host.pause(a.dom()));
    CHECK(a.dom().power() == domain::state::paused);
    sc_core::sc_start(ms(20));
    host.unpause(a.dom());
    sc_core::sc_start(ms(20));
    CHECK(done == us(0));
    host.unpause(a.dom());
    host.unpause(a.dom());  // one too many
    CHECK(a.dom().power() == domain::state::running);
    sc_core::sc_start(ms(20));
    CHECK(done == ms(4 + 40 + 6));
}

TEST_CASE("machine: a paused domain leaves its physical CPU to others and wakes when it is let go") {
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    sc_time woken, other_done;
    guest a(host.add_domain("a", small()), [&](guest& g) {
        g.cpu().block(ms(5));
        woken = sc_time_stamp();
    });
    guest b(host.add_domain("b", small()), [&](guest& g) {
        g.cpu().block(ms(30));
        g.cpu().charge(ms(100));
        g.cpu().sync();
        other_done = sc_time_stamp();
    });
    host.start(a.dom(), "");
    sc_core::sc_start(ms(1));
    host.start(b.dom(), "");
    host.pause(a.dom());  // while it sleeps
    sc_core::sc_start(ms(9));
    CHECK(woken == us(0));
    host.unpause(a.dom());
    sc_core::sc_start(ms(15));
    CHECK(woken == ms(10) + us(1000) + us(10000));  // upcall_blocked, and b ran last
    sc_core::sc_start(ms(10));
    host.pause(b.dom());  // while it runs
    sc_core::sc_start(ms(5));
    host.unpause(b.dom());
    sc_core::sc_start(ms(200));
    // a took the pCPU at 10 and gave it back at 21: b pays the rest of its first switch, one more, its time.
    CHECK(other_done == ms(21 + 1 + 10 + 100 + 5));
}

TEST_CASE(
    "machine: a domain that is paused before its start boots at its last unpause and can be destroyed") {
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    int boots = 0;
    guest a(host.add_domain("a", small()), [&](guest&) { ++boots; });
    host.create(a.dom(), "");
    CHECK(host.pause(a.dom()));
    host.unpause(a.dom());
    sc_core::sc_start(ms(1));
    CHECK(boots == 0);
    host.unpause(a.dom());
    sc_core::sc_start(ms(1));
    CHECK(boots == 1);
    host.pause(a.dom());
    host.shutdown(a.dom(), shutdown_reason::poweroff);
    CHECK_FALSE(host.pause(a.dom()));
    host.unpause(a.dom());
    CHECK(a.dom().power() == domain::state::shut_down);
    host.start(a.dom(), "");
    sc_core::sc_start(ms(1));
    CHECK(boots == 2);
    CHECK(a.stops == 1);
    host.pause(a.dom());
    host.destroy(a.dom());
    CHECK(a.dom().power() == domain::state::off);
}
