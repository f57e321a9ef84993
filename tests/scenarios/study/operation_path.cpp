#include "scenarios/study/operation_path.h"

#include <catch2/catch.hpp>

using namespace vtwin;
using namespace vtwin::scenario::study;
using trace::latency_row;

namespace {

/// An operation from 1000 to 2000, started at 1100. Its command: 1120 issued, 1130 submitted, 1150 served by
/// the vTPM, 1900 answered, 1950 returned. The vTPM asks the manager at 1200, who serves it from 1300 to
/// 1800.
observations one_operation() {
    observations seen;
    seen.begin = 1000;
    seen.end = 3000;
    seen.operations = {{"guest1", 1000, 1100, 2000, true, false, 0}};
    latency_row command;
    command.time_ns = 1120;
    command.origin = "guest1";
    command.server = {"vtpm1", trace::domain_role::vtpm};
    command.queue = 10;
    command.ring = 20;
    command.backend = 110;
    command.save = 40;
    command.manager = 200;
    command.bus = 50;
    command.chip = 350;
    command.back = 50;
    command.total = 830;
    latency_row request;
    request.time_ns = 1200;
    request.origin = "vtpm1";
    request.server = {"vtpmmgr", trace::domain_role::manager};
    request.ring = 100;
    request.manager = 100;
    request.bus = 50;
    request.chip = 350;
    request.total = 600;
    seen.rows = {command, request};
    return seen;
}

metrics paths(const observations& seen) {
    metrics out;
    measure_paths(seen, out);
    return out;
}

}  // namespace

TEST_CASE("the parts of an operation come from where they happened and sum to its latency") {
    const metrics got = paths(one_operation());
    const metrics expected = {{"path.operations", 1},
                              {"path.inexact", 0},
                              {"path.largest_difference_ns", 0},
                              {"path.latency.mean_ns", 1000},
                              {"path.guest_wait.mean_ns", 100},
                              {"path.guest.mean_ns", 20 + 50},
                              {"path.queue.mean_ns", 10},
                              {"path.ring.mean_ns", 20},
                              {"path.vtpm.mean_ns", 150},
                              {"path.manager_wait.mean_ns", 100},
                              {"path.service.mean_ns", 500},
                              {"path.return.mean_ns", 50}};
    CHECK(got == expected);
}

TEST_CASE("a manager that tells another time than the guest's row is found") {
    auto seen = one_operation();
    seen.rows[1].chip -= 7;
    seen.rows[1].total -= 7;
    CHECK(paths(seen).at("path.inexact") == 1);
    CHECK(paths(seen).at("path.largest_difference_ns") == 7);
}

TEST_CASE("parts that overlap are found even when their lengths sum up") {
    auto seen = one_operation();
    seen.rows[1].time_ns = 1400;  // ends at 2000, after its answer
    CHECK(paths(seen).at("path.largest_difference_ns") == 0);
    CHECK(paths(seen).at("path.inexact") == 1);

    seen = one_operation();
    seen.rows.push_back(seen.rows[0]);
    seen.rows.back().time_ns = 1121;  // while the other still runs
    CHECK(paths(seen).at("path.inexact") == 1);
}

TEST_CASE("another vTPM's requests are no part of an operation") {
    auto seen = one_operation();
    seen.rows.push_back(seen.rows[1]);
    seen.rows.back().origin = "vtpm2";
    CHECK(paths(seen).at("path.inexact") == 0);
}

TEST_CASE("operations that failed or arrived outside the window have no path") {
    auto seen = one_operation();
    seen.operations[0].ok = false;
    CHECK(paths(seen) == metrics{{"path.operations", 0}});
    seen.operations[0].ok = true;
    seen.begin = 1001;
    CHECK(paths(seen) == metrics{{"path.operations", 0}});
}
