// Runs of a campaign in forked worlds: the same results however they are run.
#include "scenarios/campaign/forked_execution.h"

#include <catch2/catch.hpp>
#include <map>

#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {
namespace {

/// A stack with one guest that does not attest: the way to a vTPM that serves.
world small_world(std::uint64_t seed = 1) {
    return {
        "", {{"machine.restarts", "0"}, {"guest.guest1.attestations", "0"}, {"time_limit", "60 s"}}, seed};
}

forked_execution engine(bool snapshots = true) {
    execution_setup setup;
    setup.scenario = "attested_twice";
    setup.snapshots = snapshots;
    return {setup, {}};
}

fault checked(fault what) {
    const auto config = load_scenario("attested_twice", {}, default_library()).config;
    std::vector<fault_problem> problems;
    what = check_fault(std::move(what), wires_of(config), problems);
    for (const auto& each : problems)
        FAIL(each.key << ": " << each.text);
    return what;
}

fault lost_event(const std::string& from, std::uint64_t nth) {
    fault what;
    what.name = "lost";
    what.kind = "hypercall.event_lost";
    what.target = from + ".hypercall";
    what.when.nth = nth;
    return checked(what);
}

fault killed(const std::string& domain, double seconds) {
    fault what;
    what.name = "killed";
    what.kind = "domain.crashed";
    what.target = domain;
    what.when.at = sc_core::sc_time(seconds, sc_core::SC_SEC);
    return checked(what);
}

std::vector<planned_run> plan() {
    const std::vector<std::vector<fault>> lists = {{lost_event("guest1", 1)},
                                                   {lost_event("guest1", 4)},
                                                   {lost_event("vtpm1", 3)},
                                                   {lost_event("guest1", 1'000'000)},
                                                   {killed("guest1", 19)},
                                                   {killed("vtpm1", 19.5)},
                                                   {killed("vtpmmgr", 18)},
                                                   {killed("guest1", 19), killed("vtpm1", 19.01)},
                                                   {lost_event("vtpm1", 5), killed("vtpm1", 19.6)}};
    std::vector<planned_run> runs;
    for (const auto& faults : lists)
        runs.push_back({runs.size() + 1, 0, "s", faults});
    return runs;
}

std::map<std::uint64_t, std::string> results(forked_execution& how, const std::vector<planned_run>& runs,
                                             unsigned jobs) {
    std::map<std::uint64_t, std::string> seen;
    how.run({small_world()}, runs, jobs, [&](const finished_run& run) {
        CHECK_FALSE(seen.contains(run.id));
        std::string text(code_of(run.result.worst));
        for (const auto& each : run.result.violations)
            text += ' ' + each.invariant + '@' + std::to_string(each.at.value());
        seen[run.id] = text + ' ' + run.fingerprint + ' ' + std::to_string(run.faults_begun) + ' ' +
                       std::to_string(run.first_begun.value()) + ' ' + std::to_string(run.end.value());
    });
    return seen;
}

}  // namespace

TEST_CASE("a rehearsal counts the crossings that meet a trigger and is sound") {
    auto how = engine();
    trigger all, some, none;
    all.on = "guest1.ring";
    some.on = "guest1.ring";
    some.where = {{"member", "state"}, {"operation", "store"}};
    none.on = "guest1.ring";
    none.where = {{"stage", "no such stage"}};
    const auto seen = how.rehearse(small_world(), {all, some, none});
    REQUIRE(seen.crossings.size() == 3);
    CHECK(seen.crossings[0] > seen.crossings[1]);
    CHECK(seen.crossings[1] > 10);
    CHECK(seen.crossings[2] == 0);
    CHECK(seen.result.worst == outcome_class::masked);
    CHECK(seen.end > sc_core::sc_time(10, sc_core::SC_SEC));
    CHECK(how.rehearse(small_world(), {all}).crossings[0] == seen.crossings[0]);
}

TEST_CASE("runs that branch off end like runs from power on and the number of processes does not matter") {
    const auto runs = plan();
    auto ladder = engine();
    const auto one = results(ladder, runs, 1);
    CHECK(one.size() == runs.size());
    CHECK(one.at(4).starts_with("O0 "));
    CHECK_FALSE(one.at(5).starts_with("O0 "));
    CHECK_FALSE(one.at(5).starts_with("O8 "));
    CHECK(one == results(ladder, runs, 2));
    auto boot = engine(false);
    auto whole = results(boot, runs, 2);
    CHECK(one == whole);
}

TEST_CASE("runs without faults are sound and worlds with other seeds are others") {
    auto how = engine();
    const std::vector<planned_run> runs = {{1, 0, "null", {}}, {2, 1, "null", {}}};
    std::map<std::uint64_t, finished_run> seen;
    how.run({small_world(1), small_world(2)}, runs, 2, [&](const finished_run& run) { seen[run.id] = run; });
    REQUIRE(seen.size() == 2);
    CHECK(seen[1].result.worst == outcome_class::masked);
    CHECK(seen[2].result.worst == outcome_class::masked);
    CHECK(seen[1].fingerprint.size() >= 16);
    CHECK(seen[1].fingerprint != seen[2].fingerprint);
}

TEST_CASE("a scenario that does not load is the user's mistake and ends the campaign") {
    auto how = engine();
    auto where = small_world();
    where.overrides.push_back({"machine.chip", "no_such_chip"});
    CHECK_THROWS_AS(how.rehearse(where, {}), user_error);
    CHECK_THROWS_AS(how.run({where}, {{1, 0, "null", {}}}, 1, [](const finished_run&) {}), user_error);
}

TEST_CASE("whoever takes the results may stop everything") {
    auto how = engine();
    int taken = 0;
    CHECK_THROWS_AS(how.run({small_world()}, plan(), 2,
                            [&](const finished_run&) {
                                ++taken;
                                throw std::runtime_error("disk full");
                            }),
                    std::runtime_error);
    CHECK(taken == 1);
}

}  // namespace vtwin::scenario
