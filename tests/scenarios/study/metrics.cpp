#include "scenarios/study/metrics.h"

#include <catch2/catch.hpp>

using namespace vtwin::scenario::study;
using vtwin::trace::latency_row;

namespace {

latency_row guest_row(std::uint64_t time, std::uint64_t ring, std::uint64_t backend) {
    latency_row row;
    row.time_ns = time;
    row.origin = "g";
    row.ring = ring;
    row.backend = backend;
    row.total = ring + backend;
    return row;
}

latency_row manager_row(std::uint64_t time, std::uint64_t wait, std::uint64_t service) {
    latency_row row;
    row.time_ns = time;
    row.origin = "v";
    row.server = {"m", vtwin::trace::domain_role::manager};
    row.ring = wait;
    row.chip = service;
    row.total = wait + service;
    return row;
}

observations window(std::uint64_t begin, std::uint64_t end) {
    observations seen;
    seen.begin = begin;
    seen.end = end;
    return seen;
}

}  // namespace

TEST_CASE("a percentile is a sample and the smallest that enough samples do not exceed") {
    CHECK(percentile({7}, 50) == 7);
    CHECK(percentile({1, 2, 3, 4}, 50) == 2);
    CHECK(percentile({1, 2, 3, 4}, 51) == 3);
    CHECK(percentile({1, 2, 3, 4}, 0) == 1);
    CHECK(percentile({1, 2, 3, 4}, 100) == 4);
}

TEST_CASE("operations count by their arrival and throughput by their end within the window") {
    auto seen = window(1000, 2000);
    seen.operations = {{"g", 900, 900, 1100, true, false, 0},      // arrived before: only its end counts
                       {"g", 1000, 1100, 1300, true, false, 250},  // 300: late
                       {"g", 1200, 1300, 1400, true, false, 200},  // 200: just in time
                       {"g", 1900, 1900, 2100, false, true, 0},    // ended after: only its arrival counts
                       {"g", 2000, 2000, 2010, false, true, 1}};   // after the window
    const metrics got = measure(seen);
    CHECK(got.at("operations") == 3);
    CHECK(got.at("guests_served") == 1);
    CHECK(got.at("throughput_per_s") == 3e6);
    CHECK(got.at("failed") == 1);
    CHECK(got.at("etime") == 1);
    CHECK(got.at("deadline_misses") == 1);
    CHECK(got.at("latency.mean_ns") == (300.0 + 200 + 200) / 3);
    CHECK(got.at("latency.max_ns") == 300);
    CHECK(got.at("guest_wait.mean_ns") == 200.0 / 3);
    CHECK(latencies(seen) == std::vector<std::uint64_t>{200, 200, 300});
}

TEST_CASE("a guest is served when one of its operations ends well in the window") {
    auto seen = window(1000, 2000);
    seen.operations = {
        {"early", 900, 900, 999, true, false, 0},    {"starved", 1000, 1000, 1800, false, true, 0},
        {"twice", 1000, 1000, 1100, true, false, 0}, {"twice", 1200, 1200, 1300, true, false, 0},
        {"once", 1000, 1000, 1999, true, false, 0},  {"late", 1500, 1500, 2000, true, false, 0}};
    CHECK(measure(seen).at("guests_served") == 2);
}

TEST_CASE("the hops of an operation are the sum of its commands and of nothing before or after") {
    auto seen = window(0, 1000);
    seen.operations = {{"g", 100, 100, 200, true, false, 0}};
    seen.rows = {guest_row(50, 1, 2), guest_row(100, 10, 20), guest_row(150, 5, 7), guest_row(200, 100, 200)};
    const metrics got = measure(seen);
    CHECK(got.at("hop.ring.mean_ns") == 15);
    CHECK(got.at("hop.backend.mean_ns") == 27);
    CHECK(got.at("hop.chip.max_ns") == 0);
    CHECK(got.at("hop.guest.mean_ns") == 100 - 42);
}

TEST_CASE("the queue at the manager counts who waits and not who is served") {
    auto seen = window(100, 200);
    // served 100 to 140; the second waits 110 to 140, the third 130 to 160
    seen.rows = {manager_row(100, 0, 40), manager_row(110, 30, 20), manager_row(130, 30, 10)};
    const metrics got = measure(seen);
    CHECK(got.at("manager.requests") == 3);
    CHECK(got.at("manager.throughput_per_s") == 3e7);
    CHECK(got.at("manager.queue_mean") == 0.6);
    CHECK(got.at("manager.queue_max") == 2);
    CHECK(got.at("manager.wait.mean_ns") == 20);
    CHECK(got.at("manager.service.mean_ns") == 70.0 / 3);
}

TEST_CASE("a request that waited before the window counts for the queue only from its begin") {
    auto seen = window(100, 200);
    seen.rows = {manager_row(50, 100, 10)};
    const metrics got = measure(seen);
    CHECK(got.at("manager.requests") == 0);
    CHECK(got.at("manager.queue_mean") == 0.5);
    CHECK(got.at("manager.queue_max") == 1);

    seen.unanswered = {manager_row(120, 0, 0)};
    CHECK(measure(seen).at("manager.queue_mean") == 0.5 + 0.8);
    CHECK(measure(seen).at("manager.queue_max") == 2);
    CHECK(got.find("manager.wait.mean_ns") == got.end());
}

TEST_CASE("utilisation is the busy part of the window") {
    auto seen = window(100, 200);
    seen.busy["chip"] = {{50, 110}, {120, 130}, {195, 300}};
    seen.busy["pcpu.0"] = {};
    const metrics got = measure(seen);
    CHECK(got.at("utilisation.chip") == 0.25);
    CHECK(got.at("utilisation.pcpu.0") == 0);
}

TEST_CASE("the manager's time is told apart by who needs the chip") {
    auto seen = window(100, 200);
    seen.rows = {manager_row(90, 0, 30), manager_row(120, 0, 10), manager_row(140, 0, 20),
                 manager_row(180, 0, 40)};
    seen.rows[1].manager = seen.rows[1].chip;
    seen.rows[1].chip = 0;
    const metrics got = measure(seen);
    CHECK(got.at("manager.busy") == 0.7);  // 20 of the first, 10, 20, 20 of the last
    CHECK(got.at("manager.busy_without_chip") == 0.1);
    CHECK(got.at("manager.arrivals_per_s") == 3e7);
    CHECK(got.at("manager.chip_service.mean_ns") == 30);
    CHECK(got.at("manager.chip_service.p50_ns") == 20);
    CHECK(got.at("manager.service.mean_square_ns2") == (100.0 + 400 + 1600) / 3);
}

TEST_CASE("gaps between arrivals vary as much as their variance says") {
    auto seen = window(0, 1000);
    seen.rows = {manager_row(100, 0, 1), manager_row(200, 0, 1), manager_row(300, 0, 1)};
    CHECK(measure(seen).at("manager.variation_of_gaps") == 0);
    seen.rows = {manager_row(100, 0, 1), manager_row(200, 0, 1), manager_row(500, 0, 1)};
    CHECK(measure(seen).at("manager.variation_of_gaps") == 0.5);  // 100 and 300: variance 20000, mean 200
    seen.rows.pop_back();
    CHECK(measure(seen).count("manager.variation_of_gaps") == 0);
}
