#include <catch2/catch.hpp>

#include "tests/scenarios/faults/machine_bench.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// Domain "g1", whom the faults are for, and "v1", to whom nothing is done, run the same program.
struct pair_bench : machine_bench {
    using program = std::function<void(models::kernel&)>;
    explicit pair_bench(std::vector<fault> faults) : machine_bench(std::move(faults)) {}
    void run(const program& body, const sc_core::sc_time& until) {
        for (const std::string name : {"g1", "v1"}) {
            auto& os = *machine.kernel_of(name);
            os.set_main([&, name, body] {
                os.pay();
                body(os);
                done[name] = sc_core::sc_time_stamp();
                for (;;)
                    os.sleep(milli(1e6));
            });
        }
        sc_core::sc_spawn([this] {
            for (const char* name : {"g1", "v1"})
                machine.hypervisor().start(*machine.domain_slot(name), "");
        });
        sc_core::sc_start(until);
    }
    xen::domain::state power(const std::string& name) { return machine.domain_slot(name)->power(); }
    sc_core::sc_time late() { return done.at("g1") - done.at("v1"); }

    std::map<std::string, sc_core::sc_time> done;
};

const pair_bench::program busy = [](models::kernel& os) {
    os.charge(milli(20));
    os.pay();
};

}  // namespace

TEST_CASE("a crashed domain stops and stays until it is destroyed") {
    pair_bench bench({fault_of("domain.crashed", "g1", at_time(milli(5)))});
    bench.run(busy, milli(50));
    CHECK(bench.done.count("g1") == 0);
    CHECK(bench.done.count("v1") == 1);
    CHECK(bench.power("g1") == xen::domain::state::shut_down);
    CHECK(bench.power("v1") == xen::domain::state::running);
}

TEST_CASE("a paused domain goes on when the duration is over") {
    pair_bench bench({fault_of("domain.paused", "g1", at_time(milli(5), milli(12)))});
    bench.run(busy, milli(10));
    CHECK(bench.power("g1") == xen::domain::state::paused);
    sc_core::sc_start(milli(40));
    CHECK(bench.power("g1") == xen::domain::state::running);
    CHECK(bench.late() == milli(12));
}

TEST_CASE("a pause does not end the pause of the next domain in the slot") {
    pair_bench bench({fault_of("domain.paused", "g1", at_time(milli(5), milli(12)))});
    bench.run(busy, milli(6));
    auto& slot = *bench.machine.domain_slot("g1");
    bench.machine.hypervisor().destroy(slot);
    sc_core::sc_start(milli(1));
    bench.machine.hypervisor().create(slot, "");
    sc_core::sc_start(milli(40));
    CHECK(bench.power("g1") == xen::domain::state::paused);
}

TEST_CASE("a starved domain gets its share of each period") {
    pair_bench bench({fault_of("domain.starved", "g1", at_time(milli(15), milli(1000)),
                               {{"per_mille", "500"}, {"period", "2 ms"}})});
    bench.run(busy, milli(400));
    // Five and a little more are left, which take one of each two: the sixth run ends it. Later dom0 would be
    // up and use the physical CPU that is free meanwhile.
    CHECK(bench.late() == 6 * milli(1));
}

TEST_CASE("a domain that is short of memory finds fewer pages at its next start") {
    pair_bench bench({fault_of("domain.short_of_memory", "g1", at_time(milli(1)), {{"pages", "20"}})});
    sc_core::sc_start(milli(2));
    std::map<std::string, int> pages;
    bench.run(
        [&](models::kernel& os) {
            for (auto& count = pages[os.info().nr_pages == 20 ? "g1" : "v1"]; count < 100; ++count)
                os.alloc_page();
        },
        milli(50));
    CHECK(pages["g1"] == 20 - 4);  // those of the start of day are taken
    CHECK(pages["v1"] == 100);
    CHECK(bench.power("g1") == xen::domain::state::shut_down);
}

TEST_CASE("a power cut ends everything at once") {
    pair_bench bench({fault_of("machine.power_cut", "machine", at_time(milli(5)))});
    bench.run(busy, milli(4));
    const auto& outcome = bench.machine.run();
    CHECK(sc_core::sc_time_stamp() == milli(5));
    CHECK(outcome.problem == "power cut");
    CHECK_FALSE(outcome.finished);
    CHECK(bench.power("g1") == xen::domain::state::shut_down);
    CHECK(bench.done.empty());
}

TEST_CASE("a life can be ended while the domain is off without any effect") {
    pair_bench bench({fault_of("domain.crashed", "g1", at_time(milli(1))),
                      fault_of("domain.destroyed", "g1", at_time(milli(1))),
                      fault_of("domain.restarted", "g1", at_time(milli(1))),
                      fault_of("domain.shut_down", "g1", at_time(milli(1))),
                      fault_of("domain.paused", "g1", at_time(milli(1), milli(1)))});
    sc_core::sc_start(milli(5));
    CHECK(bench.power("g1") == xen::domain::state::off);
    CHECK(bench.armed().begun());
    CHECK_FALSE(bench.said("xl "));
}

// ---- time

TEST_CASE("time that others steal is paid on top") {
    pair_bench bench({fault_of("vcpu.stolen", "g1.vcpu", from_crossing(2), {{"per_mille", "500"}})});
    bench.run(busy, milli(50));
    CHECK(bench.late() == milli(10));
}

/// Sleeps for 20 ms of its clock; when it began and ended.
struct sleeper {
    std::map<std::string, sc_core::sc_time> began;
    pair_bench::program program = [this](models::kernel& os) {
        began[os.info().domid == xen::domid_t{1} ? "g1" : "v1"] = sc_core::sc_time_stamp();
        os.sleep(milli(20));
    };
    /// The sleep and the wake-up after it.
    sc_core::sc_time slept(const pair_bench& bench, const std::string& name) const {
        return bench.done.at(name) - began.at(name);
    }
};

TEST_CASE("a fast clock makes sleeps short") {
    pair_bench bench(
        {fault_of("vcpu.clock_drifts", "g1.vcpu", at_time(milli(1), milli(1000)), {{"rate", "2000000"}})});
    sleeper test;
    sc_core::sc_start(milli(2));
    bench.run(test.program, milli(50));
    CHECK(test.slept(bench, "g1") == test.slept(bench, "v1") - milli(10));
}

TEST_CASE("a slow clock makes sleeps long and is right in length again afterwards") {
    pair_bench bench(
        {fault_of("vcpu.clock_drifts", "g1.vcpu", at_time(milli(5), milli(8)), {{"rate", "250000"}})});
    sleeper test;
    bench.run(test.program, milli(50));
    CHECK(test.slept(bench, "g1") == test.slept(bench, "v1") + milli(6));
    CHECK(bench.machine.kernel_of("g1")->now() == milli(50 - 6));
}

TEST_CASE("a clock that jumps ahead ends sleeps early") {
    pair_bench bench({fault_of("vcpu.clock_forward", "g1.vcpu", at_time(milli(5)), {{"by", "19 ms"}})});
    sleeper test;
    bench.run(test.program, milli(50));
    const auto left = test.began["g1"] + milli(20) - milli(5);
    CHECK(test.slept(bench, "g1") == test.slept(bench, "v1") - left);
    CHECK(bench.machine.kernel_of("g1")->now() == milli(50 + 19));
    CHECK(bench.machine.kernel_of("v1")->now() == milli(50));
}

TEST_CASE("a clock that jumps back makes sleeps longer and stops at zero") {
    pair_bench bench({fault_of("vcpu.clock_backward", "g1.vcpu", at_time(milli(5)), {{"by", "3 ms"}}),
                      fault_of("vcpu.clock_backward", "g1.vcpu", at_time(milli(40)), {{"by", "1 s"}})});
    sleeper test;
    bench.run(test.program, milli(50));
    CHECK(test.slept(bench, "g1") == test.slept(bench, "v1") + milli(3));
    CHECK(bench.machine.kernel_of("g1")->now() == milli(10));
}

TEST_CASE("a clock that stands still lets sleeps wait") {
    pair_bench bench({fault_of("vcpu.clock_stops", "g1.vcpu", at_time(milli(5), milli(30)))});
    sleeper test;
    bench.run(test.program, milli(30));
    CHECK(bench.machine.kernel_of("g1")->now() == milli(5));
    sc_core::sc_start(milli(40));
    CHECK(test.slept(bench, "g1") == test.slept(bench, "v1") + milli(30));
}
