// The witness on whole machines.
#include <catch2/catch.hpp>
#include <set>

#include "scenarios/config/scenario.h"
#include "scenarios/oracles/oracle.h"
#include "scenarios/oracles/witness.h"
#include "tests/scenarios/support.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

std::string text_of(const std::vector<violation>& all) {
    std::string text;
    for (const auto& each : all)
        text += each.invariant + " " + each.subject + ": " + each.text + "\n";
    return text;
}

struct witnessed {
    explicit witnessed(const std::string& file, const std::vector<override_text>& overrides = {})
        : scenario(load_scenario(file, overrides)),
          machine("machine", scenario.config, [](const models::timeline_entry&) {}),
          watching(machine, scenario.config, nullptr) {}
    run_record run() { return watching.finish(machine.run()); }

    loaded_scenario scenario;
    models::platform machine;
    witness watching;
};

void holds_everything(const std::string& file, const std::vector<override_text>& overrides = {}) {
    witnessed one(file, overrides);
    const auto record = one.run();
    CHECK(record.finished);
    CHECK(text_of(record.violations) == "");
    CHECK(record.faults_begun == 0);
}

}  // namespace

TEST_CASE("every invariant has its own id and a statement and each subsection has three at least") {
    std::set<std::string_view> ids;
    std::map<std::string_view, int> parts;
    for (const auto& each : all_invariants()) {
        INFO(each.id);
        CHECK(ids.insert(each.id).second);
        CHECK(each.statement.ends_with('.'));
        CHECK(each.when_violated >= outcome_class::degraded);
        CHECK(each.when_violated <= outcome_class::security_violation);
        ++parts[each.subsection];
    }
    CHECK(ids.size() >= 30);
    CHECK(parts.size() == 8);
    for (const auto& [part, count] : parts) {
        INFO(part);
        CHECK(count >= 3);
    }
    CHECK(find_invariant("I-A3") != nullptr);
    CHECK(find_invariant("I-A9") == nullptr);
}

TEST_CASE("a faithful machine without faults violates nothing") {
    holds_everything("late_attach");
}

TEST_CASE("a hardened machine without faults violates nothing") {
    holds_everything("deep_attestation", {{"machine.behaviour", "hardened"}});
}

TEST_CASE("a witness records results and history of a run") {
    small_scenario_directory folder;
    witnessed one(folder.file);
    const auto record = one.run();
    CHECK(record.finished);
    CHECK(record.facts.at("g1.verdicts").starts_with("trusted"));
    CHECK(record.facts.at("v1.made") == "1");
    CHECK(record.facts.at("g1.life") == "created");
    CHECK(record.facts.at("vtpmmgr.records") == "2");
    CHECK(record.facts.at("tpm.pcrs").size() == 32);
    CHECK(record.exact.size() == 32);
    CHECK(record.results.size() == 32);
    CHECK(text_of(record.violations) == "");
    REQUIRE(record.history.size() > 10);
    CHECK(std::ranges::is_sorted(record.history, {}, &history_line::at));
    CHECK(judge(record, record).worst == outcome_class::not_activated);
}

TEST_CASE("a witness ends a run that makes no progress") {
    small_scenario_directory folder;
    witnessed one(folder.file);
    one.watching.limits().steps_without_time = 20;
    sc_core::sc_spawn([&] {
        sc_core::wait(sc_core::sc_time(1, sc_core::SC_MS));
        for (int i = 0; i < 100; ++i) {
            one.machine.on_line(
                {sc_core::sc_time_stamp(), "g1", models::stubdom_services_if::level::info, "still here"});
            sc_core::wait(sc_core::SC_ZERO_TIME);
        }
        sc_core::wait(sc_core::sc_time(1, sc_core::SC_MS));
        FAIL("time went on");
    });
    const auto record = one.run();
    CHECK_FALSE(record.finished);
    CHECK(record.problem == "no progress");
    CHECK(record.end == sc_core::sc_time(1, sc_core::SC_MS));
    REQUIRE(record.violations.size() == 1);
    CHECK(record.violations[0].invariant == "L-5");
}

TEST_CASE("a witness throws out what does not come back to the simulation") {
    small_scenario_directory folder;
    witnessed one(folder.file);
    one.watching.limits().steps_without_time = 20;
    sc_core::sc_spawn([&] {
        sc_core::wait(sc_core::sc_time(1, sc_core::SC_MS));
        for (;;)
            one.machine.on_line(
                {sc_core::sc_time_stamp(), "g1", models::stubdom_services_if::level::info, "still here"});
    });
    CHECK_THROWS(one.machine.run());
    const auto record = one.watching.finish({});
    CHECK_FALSE(record.finished);
    REQUIRE(record.violations.size() == 1);
    CHECK(record.violations[0].invariant == "L-5");
}
