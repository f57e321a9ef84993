// What a vCPU's time costs: exact instants of charges, wake-ups, switches and slices.
#include <catch2/catch.hpp>

#include "hypervisor/event/event_fabric.h"
#include "hypervisor/sched/virtual_cpu.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using vstate = vcpu_state_change::state;

namespace {
struct state_log : tlm::tlm_analysis_if<vcpu_state_change> {
    void write(const vcpu_state_change& c) override {
        seen.emplace_back(sc_time_stamp(), to_underlying(c.dom), c.now, c.pcpu);
    }
    std::vector<std::tuple<sc_time, int, vstate, int>> seen;
};
void spin(guest& g, const sc_time& total) {
    g.cpu().charge(total);
    g.cpu().sync();
}
}  // namespace

TEST_CASE("vcpu: charges are paid together and nothing waits for nothing") {
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    guest a(host.add_domain("a", small()), [](guest& g) {
        g.cpu().sync();
        CHECK(sc_time_stamp() == us(0));
        g.cpu().charge(us(7));
        g.cpu().charge(us(5));
        CHECK(sc_time_stamp() == us(0));
        g.call().evtchn_send(g.dom().info().store_port);  // 1 + 3 on top
        CHECK(sc_time_stamp() == us(16));
    });
    host.start(a.dom(), "");
    sc_core::sc_start(ms(1));
}

TEST_CASE("vcpu: block with a deadline") {
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    state_log log;
    host.vcpu_states.bind(log);
    guest a(host.add_domain("a", small()), [](guest& g) {
        g.cpu().charge(us(10));
        g.cpu().block(us(5));  // passed while paying: returns at once
        CHECK(sc_time_stamp() == us(10));
        g.cpu().block(us(10));
        CHECK(sc_time_stamp() == us(10));
        g.cpu().block(us(60));
        CHECK(sc_time_stamp() == us(60 + 1000));
    });
    host.start(a.dom(), "");
    sc_core::sc_start(ms(5));
    const decltype(log.seen) expected{{us(0), 1, vstate::runnable, -1}, {us(0), 1, vstate::running, 0},
                                      {us(10), 1, vstate::blocked, -1}, {us(60), 1, vstate::runnable, -1},
                                      {us(60), 1, vstate::running, 0},  {us(1060), 1, vstate::blocked, -1}};
    CHECK(log.seen == expected);
}

TEST_CASE("vcpu: a passed deadline raises the timer when it is bound") {
    int ticks = 0;
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    guest a(host.add_domain("a", small()), [&](guest& g) {
        g.take_upcalls();
        evtchn_port timer{};
        CHECK(g.call().evtchn_bind_virq(virq::timer, timer) == 0);
        g.handlers[to_underlying(timer)] = [&] { ++ticks; };
        g.cpu().block(us(50));
        CHECK(ticks == 1);
        CHECK(sc_time_stamp() == us(50 + 1000 + 100));
    });
    host.start(a.dom(), "");
    sc_core::sc_start(ms(5));
    CHECK(ticks == 1);
}

TEST_CASE("vcpu: taking a pCPU over from another vCPU costs a context switch") {
    machine host("xen", {.pcpus = 1, .scheduler = "round_robin", .costs = distinct_costs()});
    sc_time a_done, b_done, a_again;
    guest a(host.add_domain("a", small()), [&](guest& g) {
        spin(g, us(100));
        a_done = sc_time_stamp();
        g.cpu().block(ms(100));
        a_again = sc_time_stamp();
    });
    guest b(host.add_domain("b", small()), [&](guest& g) {
        spin(g, us(100));
        b_done = sc_time_stamp();
    });
    host.start(a.dom(), "");
    host.start(b.dom(), "");
    sc_core::sc_start(ms(500));
    CHECK(a_done == us(100));
    CHECK(b_done == us(100 + 10000 + 100));
    CHECK(a_again == ms(100) + us(1000 + 10000));  // b ran there last
}

TEST_CASE("vcpu: two busy vCPUs share one pCPU by slices") {
    machine host("xen", {.pcpus = 1, .scheduler = "round_robin", .costs = distinct_costs()});
    sc_time a_done, b_done;
    guest a(host.add_domain("a", small()), [&](guest& g) {
        spin(g, ms(50));
        a_done = sc_time_stamp();
    });
    guest b(host.add_domain("b", small()), [&](guest& g) {
        spin(g, ms(50));
        b_done = sc_time_stamp();
    });
    host.start(a.dom(), "");
    host.start(b.dom(), "");
    sc_core::sc_start(ms(500));
    // A slice is 30 ms and includes the 10 ms switch at its start: a 0-30, b 30-60 (works 20), a 60-90 (the
    // rest: 20, done as its slice ends), b 90-120 (20 more: 40 in all) and then the last 10 ms alone.
    CHECK(a_done == ms(90));
    CHECK(b_done == ms(130));
}

TEST_CASE("vcpu: alone on its pCPU a vCPU runs past its slice") {
    machine host("xen", {.pcpus = 2, .costs = distinct_costs()});
    std::vector<sc_time> done;
    const auto work = [&](guest& g) {
        spin(g, ms(500));
        done.push_back(sc_time_stamp());
    };
    guest a(host.add_domain("a", small()), work), b(host.add_domain("b", small()), work);
    host.start(a.dom(), "");
    host.start(b.dom(), "");
    sc_core::sc_start(ms(1000));
    CHECK(done == std::vector{ms(500), ms(500)});
}

TEST_CASE("vcpu: a stopped domain's calls throw and it can live again") {
    machine host("xen", {.pcpus = 1, .costs = distinct_costs()});
    int boots = 0;
    guest a(host.add_domain("a", small()), [&](guest& g) {
        ++boots;
        CHECK(g.dom().info().command_line == (boots == 1 ? "first" : "second"));
        CHECK(g.load<std::uint64_t>(address_of(page(7))) == 0);
        g.store<std::uint64_t>(address_of(page(7)), 1);
        spin(g, ms(100));
        FAIL("ran on");
    });
    CHECK(host.start(a.dom(), "first") == domid_t{1});
    CHECK(host.find(domid_t{1}) == &a.dom());
    sc_core::sc_start(ms(10));
    host.destroy(a.dom());
    CHECK(host.find(domid_t{1}) == nullptr);
    CHECK_THROWS_AS(a.cpu().sync(), domain_stopped);
    CHECK_THROWS_AS(a.call().evtchn_send(evtchn_port{1}), domain_stopped);
    CHECK_FALSE(a.store<std::uint8_t>(address_of(page(7)), 1));
    sc_core::sc_start(ms(10));
    CHECK(a.stops == 1);
    CHECK(host.start(a.dom(), "second") == domid_t{2});
    sc_core::sc_start(ms(10));
    CHECK(boots == 2);
    CHECK(a.stops == 1);
    host.shutdown(a.dom(), shutdown_reason::crash);
    host.shutdown(a.dom(), shutdown_reason::crash);  // no effect
    sc_core::sc_start(ms(10));
    CHECK(a.stops == 2);
}
