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
