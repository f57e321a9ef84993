// A point on whole machines: figures that follow from each other.
#include "scenarios/study/point.h"

#include <catch2/catch.hpp>

#include "scenarios/config/scenario.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::study;

namespace {

point_result run(const std::vector<override_text>& more) {
    std::vector<override_text> overrides = {{"fleet.guest.load.duration", "1 s"},
                                            {"fleet.guest.load.warm_up", "100 ms"},
                                            {"fleet.guest.load.start", "40 s"}};
    overrides.insert(overrides.end(), more.begin(), more.end());
    const auto library = (default_library() / "studies" / "shared_chip.toml").string();
    return run_point(load_scenario(library, overrides).config);
}

}  // namespace

TEST_CASE("the latency of one guest is the sum of its hops and its chip is busy as long as it says") {
    const auto got = run({{"fleet.count", "1"}, {"fleet.guest.load.interval", "20 ms"}});
    REQUIRE(got.problem == "");
    const metrics& of = got.values;
    CHECK(of.at("path.operations") == of.at("operations"));
    CHECK(of.at("path.inexact") == 0);
    CHECK(of.at("path.largest_difference_ns") == 0);
    CHECK(of.at("path.service.mean_ns") == of.at("manager.chip_service.mean_ns"));
    double sum = of.at("guest_wait.mean_ns") + of.at("hop.guest.mean_ns");
    for (const auto& [hop, member] : vtwin::trace::latency_hops)
        sum += of.at(std::string("hop.") + hop + ".mean_ns");
    CHECK(sum == Approx(of.at("latency.mean_ns")).epsilon(1e-12));
    CHECK(of.at("hop.chip.mean_ns") == 4e6);  // the profile's constant time
    CHECK(of.at("utilisation.chip") == Approx(of.at("throughput_per_s") * 4e-3).epsilon(0.03));
    CHECK(of.at("manager.queue_max") <= 1);
    CHECK(of.at("failed") == 0);
    CHECK(of.at("guests") == 1);
    CHECK(got.latencies.size() == of.at("operations"));
}

TEST_CASE("two guests that never pause get what one server can do") {
    const auto got = run({{"fleet.count", "2"}, {"behaviours.linux_tpmfront.poll_quantum_5ms", "hardened"}});
    REQUIRE(got.problem == "");
    const double capacity = 1e9 / got.values.at("manager.chip_service.p50_ns");
    CHECK(got.values.at("throughput_per_s") == Approx(capacity).epsilon(0.01));
    CHECK(got.values.at("manager.busy") > 0.99);
    CHECK(got.values.at("path.inexact") == 0);
}

TEST_CASE("operations that take longer than their deadline are counted") {
    const auto got = run({{"fleet.count", "1"},
                          {"fleet.guest.load.interval", "20 ms"},
                          {"fleet.guest.load.deadline", "1 ms"}});
    REQUIRE(got.problem == "");
    CHECK(got.values.at("deadline_misses") == got.values.at("operations"));
}

TEST_CASE("without a common time of load there are no figures but a reason") {
    const auto got = run({{"fleet.guest.load.start", "1 s"}, {"fleet.guest.load.warm_up", "900 ms"}});
    CHECK(got.problem.find("no time in which all loads are past their warm-up") != std::string::npos);
    CHECK(got.values.empty());
}
