#include "scenarios/campaign/shrink.h"

#include <catch2/catch.hpp>

namespace vtwin::scenario {
namespace {

const failure goal{outcome_class::silent_corruption, "I-A3"};

fault made(const std::string& name, const std::string& kind = "chip.unknown") {
    fault what;
    what.name = name;
    what.kind = kind;
    what.target = "tpm.chip";
    what.when.on = what.target;
    return what;
}

/// Fails exactly when the text contains all of `needed`.
shrinker::attempt needs(std::vector<std::string> needed) {
    return [needed](const std::string& text) -> std::optional<failure> {
        for (const auto& each : needed)
            if (text.find(each) == std::string::npos)
                return std::nullopt;
        return goal;
    };
}

reduced_scenario noisy(std::size_t faults) {
    reduced_scenario start;
    start.base = "attested_twice";
    for (std::size_t i = 0; i < faults; ++i)
        start.faults.push_back(made("f" + std::to_string(i)));
    return start;
}

const auto nobody = [](const std::string&, std::size_t) {};

}  // namespace

TEST_CASE("one of many faults stays when it alone makes the run fail") {
    shrinker small({}, goal, needs({"[faults.f13]"}), nobody);
    const auto least = small.shrink(noisy(20));
    REQUIRE(least.faults.size() == 1);
    CHECK(least.faults[0].name == "f13");
    CHECK(small.attempts() < 40);
}

TEST_CASE("two faults that only fail together both stay") {
    shrinker small({}, goal, needs({"[faults.f2]", "[faults.f9]"}), nobody);
    const auto least = small.shrink(noisy(12));
    REQUIRE(least.faults.size() == 2);
    CHECK(least.faults[0].name == "f2");
    CHECK(least.faults[1].name == "f9");
}

TEST_CASE("conditions counts and times that do not matter are dropped and those that matter stay") {
    auto start = noisy(1);
    auto& when = start.faults[0].when;
    when.where = {{"ordinal", "TPM_PCRRead"}, {"stage", "restart"}};
    when.nth = 40;
    when.count = 3;
    when.at = sc_core::sc_time(5, sc_core::SC_MS);
    when.per_million = 500'000;
    when.duration = sc_core::sc_time(1, sc_core::SC_SEC);
    std::size_t steps = 0;
    const auto fails = [](const std::string& text) -> std::optional<failure> {
        const auto at = text.find("nth = ");
        const auto nth = at == std::string::npos ? 1 : std::stoi(text.substr(at + 6));
        return text.find("stage = \"restart\"") != std::string::npos && nth >= 7 ? std::optional(goal)
                                                                                 : std::nullopt;
    };
    shrinker small({}, goal, fails, [&](const std::string&, std::size_t) { ++steps; });
    const auto least = small.shrink(start).faults[0];
    CHECK(least.when.where == std::vector<condition>{{"stage", "restart"}});
    CHECK(least.when.nth == 7);
    CHECK(least.when.count == 1);
    CHECK_FALSE(least.when.at);
    CHECK_FALSE(least.when.duration);
    CHECK(least.when.per_million == 1'000'000);
    CHECK(steps >= 6);
}

TEST_CASE("guests and changes that do not matter are left out within the lines there are") {
    shrinkable_parts parts;
    parts.guests = {{"g1", "v1", true, 1}, {"g2", "v2", true, 1}};
    parts.expectations = {"g1", "g2"};
    auto start = noisy(1);
    start.changes = {{"seed", "7"}, {"machine.behaviour", "\"hardened\""}};
    const auto fails = [](const std::string& text) -> std::optional<failure> {
        const bool has_guest = text.find("\"guest.g1\"") == std::string::npos;
        return has_guest && text.find("seed = 7") != std::string::npos ? std::optional(goal) : std::nullopt;
    };
    shrinker small(parts, goal, fails, nobody);
    const auto least = small.shrink(start);
    CHECK(least.without == std::vector<std::string>{"guest.g2", "vtpm.v2", "expect.g2"});
    REQUIRE(!least.changes.empty());
    CHECK(least.changes[0].key == "seed");
    for (const auto& change : least.changes)
        CHECK(change.key != "machine.behaviour");
    CHECK(lines_of(print_scenario(least, goal)) <= 10);
    shrinker tight(parts, goal, fails, nobody);
    CHECK(tight.shrink(start, 1).changes.size() == 1);
}

TEST_CASE("a shrunk scenario prints as a file of few lines") {
    auto what = noisy(1);
    what.faults[0].name = "busy";
    what.faults[0].when.where = {{"ordinal", "TPM_PCRRead"}, {"value", "20"}};
    what.faults[0].when.nth = 2;
    what.faults[0].parameters = {{"code", "TPM_RETRY"}};
    what.without = {"guest.g2"};
    what.changes = {{"seed", "7"}};
    CHECK(print_scenario(what, goal) ==
          "base = \"attested_twice\"\n"
          "without = [\"guest.g2\"]\n"
          "seed = 7\n"
          "outcome = { allowed = [\"O6\"], violates = [\"I-A3\"] }\n"
          "[faults.busy]\n"
          "kind = \"chip.unknown\"\n"
          "target = \"tpm.chip\"\n"
          "where = { ordinal = \"TPM_PCRRead\", value = 20 }\n"
          "nth = 2\n"
          "with = { code = \"TPM_RETRY\" }\n");
    CHECK(lines_of(print_scenario(what, goal)) == 10);
}

}  // namespace vtwin::scenario
