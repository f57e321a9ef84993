// Each class of outcome from two records.
#include <catch2/catch.hpp>

#include "scenarios/oracles/outcome.h"
#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

run_record golden() {
    run_record made;
    made.finished = true;
    made.end = s(10);
    made.exact = "exact";
    made.results = "results";
    made.facts = {{"g1.verdicts", "trusted"},
                  {"g2.verdicts", "not trusted (pcr-4)"},
                  {"g1.life", "created"},
                  {"v1.life", "created"},
                  {"v1.ek", "abc"}};
    made.violations = {{"I-X5", outcome_class::silent_corruption, s(1), "g1", "known"}};
    made.history = {{s(1), "v1", "usual complaint", true}};
    return made;
}

/// A run in which a fault began and something differs.
run_record faulted() {
    auto made = golden();
    made.faults_begun = 1;
    made.exact = "other";
    return made;
}
void complain(run_record& run, const char* who) {
    run.history.push_back({s(2), who, "something is wrong", true});
}
outcome_class class_of(const run_record& run) {
    return judge(golden(), run).worst;
}

}  // namespace

TEST_CASE("classes have codes and names") {
    CHECK(code_of(outcome_class::not_activated) == "O0");
    CHECK(code_of(outcome_class::simulator_failure) == "O8");
    CHECK(name_of(outcome_class::silent_corruption) == "silent corruption");
}

TEST_CASE("a fault that did not begin leaves the run as it was or voids it") {
    auto run = golden();
    CHECK(class_of(run) == outcome_class::not_activated);
    run.exact = "other";
    CHECK(class_of(run) == outcome_class::simulator_failure);
}

TEST_CASE("equal traces are masked and equal results are corrected") {
    auto run = faulted();
    CHECK(class_of(run) == outcome_class::corrected);
    run.facts["v1.ek"] = "chance";
    CHECK(class_of(run) == outcome_class::corrected);
    run.exact = "exact";
    CHECK(class_of(run) == outcome_class::masked);
}

TEST_CASE("a changed result is safe when somebody was told and silent when nobody was") {
    auto run = faulted();
    run.facts["g1.verdicts"] = "not trusted (pcr-10)";
    CHECK(class_of(run) == outcome_class::silent_corruption);
    complain(run, "g1");
    CHECK(class_of(run) == outcome_class::detected_safe);
}

TEST_CASE("what the run without faults complains of as well is no notice") {
    auto run = faulted();
    run.facts["g1.verdicts"] = "not trusted (pcr-10)";
    run.history.push_back({s(5), "v1", "usual complaint", true});
    CHECK(class_of(run) == outcome_class::silent_corruption);
}

TEST_CASE("service lost with notice is degraded") {
    auto crashed = faulted(), no_verdict = faulted();
    crashed.facts["v1.life"] = "crashed";
    no_verdict.facts["g1.verdicts"] = "none (no answer)";
    for (auto* run : {&crashed, &no_verdict}) {
        complain(*run, "v1");
        CHECK(class_of(*run) == outcome_class::degraded);
    }
}

TEST_CASE("a verifier that trusts more than without the fault was deceived") {
    auto run = faulted();
    run.facts["g2.verdicts"] = "trusted";
    complain(run, "g2");
    CHECK(class_of(run) == outcome_class::security_violation);
    run = faulted();
    run.facts["g2.verdicts"] = "not trusted (pcr-4 pcr-10)";
    complain(run, "g2");
    CHECK(class_of(run) == outcome_class::detected_safe);
}

TEST_CASE("a run that does not end hangs unless a domain stopped and said why") {
    auto run = faulted();
    run.finished = false;
    run.problem = "the time limit was reached first";
    CHECK(class_of(run) == outcome_class::hang);
    run.facts["v1.life"] = "shut down";
    CHECK(class_of(run) == outcome_class::hang);  // without a word
    complain(run, "v1");
    CHECK(class_of(run) == outcome_class::detected_safe);
    run.facts["v1.life"] = "crashed";
    CHECK(class_of(run) == outcome_class::degraded);
}

TEST_CASE("a run that the toolstack gave up was detected") {
    auto run = faulted();
    run.finished = false;
    run.problem = "xl failed for v1";
    CHECK(class_of(run) == outcome_class::detected_safe);
    run.problem = "no progress";
    CHECK(class_of(run) == outcome_class::hang);
}

TEST_CASE("the worst new violation decides and known ones do not count") {
    auto run = faulted();
    run.violations.push_back({"I-X5", outcome_class::silent_corruption, s(7), "g1", "known, later"});
    CHECK(judge(golden(), run).violations.empty());
    CHECK(class_of(run) == outcome_class::corrected);
    run.violations.push_back({"L-1", outcome_class::hang, s(3), "g1", "no answer"});
    run.violations.push_back({"I-A3", outcome_class::silent_corruption, s(4), "v1", "a new TPM"});
    run.violations.push_back({"I-F1", outcome_class::security_violation, s(5), "v1", "an old state"});
    const auto result = judge(golden(), run);
    CHECK(result.worst == outcome_class::security_violation);
    REQUIRE(result.violations.size() == 3);
    CHECK(result.violations[0].invariant == "I-F1");
    CHECK(result.violations[1].invariant == "I-A3");
    CHECK(result.violations[2].invariant == "L-1");
    CHECK(result.summary.find("an old state") != std::string::npos);
}

TEST_CASE("results that are worse than the violations decide") {
    auto run = faulted();
    run.facts["g1.verdicts"] = "";
    run.violations.push_back({"L-1", outcome_class::hang, s(3), "g1", "no answer"});
    const auto result = judge(golden(), run);
    CHECK(result.worst == outcome_class::silent_corruption);
    CHECK(result.violations.size() == 1);
}
