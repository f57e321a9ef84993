// The credit policy: weights, boost and the rate limit.
#include "hypervisor/sched/credit.h"

#include <catch2/catch.hpp>

#include "hypervisor/event/event_fabric.h"
#include "tests/hypervisor/bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

namespace {
cost_profile free_switches() {
    auto costs = distinct_costs();
    costs.context_switch = costs.upcall_blocked = costs.upcall_running = sc_core::SC_ZERO_TIME;
    return costs;
}
/// Works in pieces of 1 ms and counts them.
guest::program busy(std::uint64_t& pieces) {
    return [&pieces](guest& g) {
        for (;; ++pieces) {
            g.cpu().charge(ms(1));
            g.cpu().sync();
        }
    };
}
}  // namespace

TEST_CASE("sched: the credit policy gives two busy vCPUs time by weight") {
    machine host("xen", {.pcpus = 1, .costs = free_switches()});
    std::uint64_t heavy = 0, light = 0;
    guest a(host.add_domain("a", small(512)), busy(heavy)), b(host.add_domain("b", small(256)), busy(light));
    host.start(a.dom(), "");
    host.start(b.dom(), "");
    sc_core::sc_start(ms(9000));
    CHECK(heavy + light >= 8999);
    CHECK(heavy >= 5940);
    CHECK(heavy <= 6060);
}

TEST_CASE("sched: round robin does not look at weights") {
    machine host("xen", {.pcpus = 1, .scheduler = "round_robin", .costs = free_switches()});
    std::uint64_t heavy = 0, light = 0;
    guest a(host.add_domain("a", small(512)), busy(heavy)), b(host.add_domain("b", small(256)), busy(light));
    host.start(a.dom(), "");
    host.start(b.dom(), "");
    sc_core::sc_start(ms(6000));
    CHECK(heavy >= 2999);
    CHECK(light >= 2999);
}

namespace {
/// One sleeps and one works on the same pCPU: when each got on.
std::vector<sc_time> sleeper_and_worker(const std::string& policy) {
    machine host("xen", {.pcpus = 1, .scheduler = policy, .costs = free_switches()});
    std::vector<sc_time> seen;
    guest sleeper(host.add_domain("sleeper", small()), [&](guest& g) {
        for (const double when : {10.0, 30.2}) {
            g.cpu().block(ms(when));
            seen.push_back(sc_time_stamp());
        }
    });
    guest worker(host.add_domain("worker", small()), [&](guest& g) {
        g.cpu().charge(ms(200));
        g.cpu().sync();
        seen.push_back(sc_time_stamp());
    });
    host.start(sleeper.dom(), "");
    host.start(worker.dom(), "");
    sc_core::sc_start(ms(1000));
    return seen;
}
}  // namespace

TEST_CASE("sched: credit lets one that wakes preempt a worker that has had its rate limit") {
    CHECK(sleeper_and_worker("credit") == std::vector{ms(10), ms(30.2), ms(200)});
}

TEST_CASE("sched: round robin lets one that wakes wait for the end of the slice") {
    CHECK(sleeper_and_worker("round_robin") == std::vector{ms(30), ms(60), ms(200)});
}

TEST_CASE("sched: rate limit and boost protect one that just started") {
    machine host("xen", {.pcpus = 1, .costs = free_switches()});
    std::vector<sc_time> woken;
    guest sleeper(host.add_domain("sleeper", small()), [&](guest& g) {
        for (const double when : {10.0, 80.0}) {
            g.cpu().block(ms(when));
            woken.push_back(sc_time_stamp());
        }
    });
    guest worker(host.add_domain("worker", small()), [&](guest& g) {
        g.cpu().block(ms(9.5));
        g.cpu().charge(ms(5));  // no credit yet: OVER as soon as it has run
        g.cpu().sync();
        g.cpu().block(ms(79.5));
        g.cpu().charge(ms(12));  // with credit: boosted until its tick is over
        g.cpu().sync();
        woken.push_back(sc_time_stamp());
    });
    host.start(sleeper.dom(), "");
    host.start(worker.dom(), "");
    sc_core::sc_start(ms(1000));
    CHECK(woken == std::vector{ms(10.5), ms(89.5), ms(91.5)});
}

TEST_CASE("sched: names of policies") {
    const cost_profile costs;
    CHECK(make_scheduler("credit", costs, 1) != nullptr);
    CHECK(make_scheduler("round_robin", costs, 1) != nullptr);
    CHECK(make_scheduler("credit2", costs, 1) == nullptr);
}
