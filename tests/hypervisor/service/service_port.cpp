#include "hypervisor/service/service_port.h"

#include <catch2/catch.hpp>

#include "hypervisor/event/event_fabric.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using kind = evtchn_status::kind;

TEST_CASE("service port: events call the service after the upcall's time and coalesce") {
    std::vector<sc_time> runs;
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    guest zero(host.add_domain("dom0", small_dom0()), nullptr);
    guest a(host.add_domain("a", small()), [](guest& g) {
        const auto store = g.dom().info().store_port;
        g.call().evtchn_send(store);  // at 4 us
        g.call().evtchn_send(store);  // coalesces
        g.cpu().charge(us(200));
        g.cpu().sync();
        g.call().evtchn_send(store);  // at 212 us
    });
    service_port port(host, [&] { runs.push_back(sc_time_stamp()); });
    CHECK(port.bind_interdomain(domid_t{1}, evtchn_port{1}) == -3);  // before dom0 is there
    host.start(zero.dom(), "");
    host.create(a.dom(), "");
    CHECK(port.bind_interdomain(a.id(), evtchn_port{9}) == -22);
    CHECK_FALSE(port.is_open());
    REQUIRE(port.bind_interdomain(a.id(), a.dom().info().store_port) == 0);
    CHECK(port.status().status == kind::interdomain);
    sc_core::sc_start(us(500));
    CHECK(runs == std::vector{us(100)});  // the bind itself
    runs.clear();
    host.unpause(a.dom());
    sc_core::sc_start(us(1000));
    CHECK(runs == std::vector{us(500 + 104), us(500 + 312)});
}

TEST_CASE("service port: nothing arrives after a close or at the next owner of the number") {
    int old_runs = 0, new_runs = 0;
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    guest zero(host.add_domain("dom0", small_dom0()), nullptr);
    guest a(host.add_domain("a", small()), nullptr);
    host.start(zero.dom(), "");
    host.start(a.dom(), "");
    service_port first(host, [&] { ++old_runs; }), second(host, [&] { ++new_runs; });
    REQUIRE(first.bind_interdomain(a.id(), evtchn_port{1}) == 0);
    const auto number = first.port();
    first.close();
    CHECK_FALSE(first.is_open());
    REQUIRE(second.alloc_unbound(a.id()) == 0);
    CHECK(second.port() == number);
    sc_core::sc_start(ms(1));
    CHECK(old_runs == 0);
    CHECK(new_runs == 0);
    evtchn_port bound{};
    REQUIRE(host.events().bind_interdomain(*a.dom().life(), dom0, number, bound) == 0);
    REQUIRE(host.events().send(*a.dom().life(), bound) == 0);
    sc_core::sc_start(ms(1));
    CHECK(new_runs == 1);
}

TEST_CASE("service port: a service may give up its port when it is called") {
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    guest zero(host.add_domain("dom0", small_dom0()), nullptr);
    guest a(host.add_domain("a", small()), nullptr);
    host.start(zero.dom(), "");
    host.start(a.dom(), "");
    int runs = 0;
    std::unique_ptr<service_port> port;
    port = std::make_unique<service_port>(host, [&] {
        port.reset();
        ++runs;
    });
    REQUIRE(port->bind_interdomain(a.id(), evtchn_port{1}) == 0);
    sc_core::sc_start(ms(1));
    CHECK(runs == 1);
    CHECK(a.dom().life()->events.find(evtchn_port{1})->state == kind::unbound);
}

TEST_CASE("service port: the death of a domain is told as VIRQ_DOM_EXC") {
    std::vector<std::pair<shutdown_reason, int>> stopped;
    int told = 0;
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    guest zero(host.add_domain("dom0", small_dom0()), nullptr);
    guest a(host.add_domain("a", small()), [](guest& g) {
        g.cpu().block(ms(1));
        g.call().shutdown(shutdown_reason::reboot);
        FAIL("shutdown returned");
    });
    host.on_stopped(
        [&](domain& which, shutdown_reason why) { stopped.emplace_back(why, to_underlying(which.domid())); });
    host.start(zero.dom(), "");
    service_port port(host, [&] { ++told; });
    REQUIRE(port.bind_virq(virq::dom_exc) == 0);
    service_port twice(host, [] {});
    CHECK(twice.bind_virq(virq::dom_exc) == -17);
    host.start(a.dom(), "");
    sc_core::sc_start(ms(1));
    CHECK(told == 0);
    sc_core::sc_start(ms(9));
    CHECK(told == 1);
    CHECK(a.stops == 1);
    CHECK(a.dom().power() == domain::state::shut_down);
    CHECK(stopped == std::vector<std::pair<shutdown_reason, int>>{{shutdown_reason::reboot, 1}});
    host.destroy(a.dom());
    sc_core::sc_start(ms(1));
    CHECK(told == 2);  // dead and freed at once: coalesced
    REQUIRE(stopped.size() == 2);
    CHECK(stopped[1].first == shutdown_reason::destroyed);
    CHECK(host.start(a.dom(), "") == domid_t{2});
}
