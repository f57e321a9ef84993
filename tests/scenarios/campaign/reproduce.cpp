// Runs of campaigns as scenarios, tried in processes of their own.
#include "scenarios/campaign/reproduce.h"

#include <catch2/catch.hpp>

#include "scenarios/schema/problem.h"
#include "scenarios/schema/writer.h"

namespace vtwin::scenario {
namespace {

const failure identity_lost{outcome_class::silent_corruption, "I-A3"};

planned_run busy_chip() {
    fault what;
    what.name = "strata-busy";
    what.kind = "chip.code_instead";
    what.target = "tpm.chip";
    what.when.on = what.target;
    what.when.where = {{"ordinal", "TPM_PCRRead"}, {"stage", "*.2"}};
    what.parameters = {{"code", "TPM_RETRY"}, {"number", "0"}};
    return {7, 0, "busy", {what}};
}

}  // namespace

TEST_CASE("a run of a campaign becomes a scenario that reads back") {
    const world where{"v", {{"machine.behaviour", "hardened"}, {"time_limit", "90 s"}}, 5};
    const auto made = scenario_of("attested_twice", where, busy_chip());
    CHECK(made.config.seed == 5);
    REQUIRE(made.faults.size() == 1);
    CHECK(made.all.text("faults.strata-busy.with.code") == "TPM_RETRY");
    const auto text = write_settings(made.all);
    CHECK(text.find("[faults.strata-busy.where]") != std::string::npos);
    const auto start = reduction_of("attested_twice", where, busy_chip());
    CHECK(print_scenario(start, identity_lost) ==
          "base = \"attested_twice\"\n"
          "machine.behaviour = \"hardened\"\n"
          "time_limit = \"90 s\"\n"
          "seed = 5\n"
          "outcome = { allowed = [\"O6\"], violates = [\"I-A3\"] }\n"
          "[faults.strata-busy]\n"
          "kind = \"chip.code_instead\"\n"
          "target = \"tpm.chip\"\n"
          "where = { ordinal = \"TPM_PCRRead\", stage = \"*.2\" }\n");
    CHECK(parts_of(made).guests.size() == 1);
    CHECK_THROWS_AS(reduction_of("attested_twice", {"", {{"machine.no_such", "1"}}, 1}, busy_chip()),
                    user_error);
}

TEST_CASE("a scenario text is tried in a process of its own") {
    const scenario_trial trial;
    auto start = reduction_of("attested_twice", {"", {}, 1}, busy_chip());
    start.changes.push_back({"guest.guest1.attestations", "0"});
    CHECK(trial(print_scenario(start, identity_lost)) == identity_lost);
    start.changes.push_back({"machine.behaviour", "\"hardened\""});
    CHECK(trial(print_scenario(start, identity_lost)) != identity_lost);
    CHECK(trial("base = \"no such scenario\"\n") == std::nullopt);
    CHECK(trial("not toml at all [") == std::nullopt);
}

}  // namespace vtwin::scenario
