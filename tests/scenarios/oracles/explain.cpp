// The story of the cascade that one busy answer of the hardware TPM starts when the manager boots.
#include <catch2/catch.hpp>

#include "scenarios/oracles/explain.h"
#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

run_record golden_boot() {
    run_record made;
    made.finished = true;
    made.exact = "1";
    made.facts = {{"v1.made", "1"}};
    made.history = {{s(1), "mgr", "was created"},
                    {s(2), "mgr", "vtpmmgr: Waiting for commands from vTPM's:"},
                    {s(3), "v1", "was created"},
                    {s(4), "v1", "loaded its stored state"}};
    return made;
}

run_record cascade() {
    auto made = golden_boot();
    made.exact = "2";
    made.faults_begun = 1;
    made.facts["v1.made"] = "2";
    made.history = {{s(1), "mgr", "was created"},
                    {s(1.5), "tpm.chip", "fault busy (chip.answer_code) begins"},
                    {s(1.5), "tpm", "answered 0x800 to command 0x15", true},
                    {s(1.5), "tpm.chip", "fault busy (chip.answer_code) is over"},
                    {s(1.6), "mgr", "vtpmmgr: Assuming first time initialization.", true},
                    {s(2), "mgr", "vtpmmgr: Waiting for commands from vTPM's:"},
                    {s(3), "v1", "was created"},
                    {s(4), "v1", "makes a new TPM with a new endorsement key"}};
    made.violations = {{"I-A3", outcome_class::silent_corruption, s(4), "v1", "v1 started as a new TPM"}};
    return made;
}

fault busy() {
    fault made;
    made.name = "busy";
    made.kind = "chip.answer_code";
    made.target = "tpm.chip";
    return made;
}

}  // namespace

TEST_CASE("an explanation leads from the fault over what differs to the violation and the outcome") {
    CHECK(explain(golden_boot(), cascade(), {busy()}) ==
          "The fault busy (chip.answer_code on tpm.chip) began at 1.500000 s.\n"
          "The first difference: at 1.500000 s tpm: answered 0x800 to command 0x15 (without the fault: at "
          "2.000000 s mgr: vtpmmgr: Waiting for commands from vTPM's:).\n"
          "What only this run has:\n"
          "  at 1.500000 s tpm: answered 0x800 to command 0x15\n"
          "  at 1.600000 s mgr: vtpmmgr: Assuming first time initialization.\n"
          "  at 4.000000 s v1: makes a new TPM with a new endorsement key\n"
          "I-A3 was violated at 4.000000 s (silent corruption): v1 started as a new TPM.\n"
          "Outcome: O6, silent corruption; I-A3 violated: v1 started as a new TPM.\n");
}

TEST_CASE("an explanation names a fault that did not begin and a difference of time alone") {
    auto late = golden_boot();
    late.exact = "2";
    late.faults_begun = 1;
    late.history[1].at = s(2.5);
    const auto text = explain(golden_boot(), late, {busy()});
    CHECK(text.find("The fault busy (chip.answer_code on tpm.chip) did not begin.") != std::string::npos);
    CHECK(text.find("The first difference is one of time: at 2.500000 s mgr") != std::string::npos);
    CHECK(text.find("What only this run has") == std::string::npos);
    CHECK(text.find("Outcome: O2, corrected") != std::string::npos);
}

TEST_CASE("a long explanation keeps its beginning and its end and counts what repeats") {
    auto run = cascade();
    run.history.clear();
    for (int i = 0; i < 10; ++i)
        for (int times = 0; times < 2; ++times)
            run.history.push_back({s(i), "v1", "line " + std::to_string(i)});
    const auto text = explain(golden_boot(), run, {}, 4);
    for (const char* part : {"line 0 (2 times)", "line 1 (2 times)", "... 6 more ...", "line 8", "line 9"}) {
        INFO(part);
        CHECK(text.find(part) != std::string::npos);
    }
    CHECK(text.find("line 2") == std::string::npos);
    CHECK(text.find("line 7") == std::string::npos);
}
