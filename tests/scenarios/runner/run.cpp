#include "scenarios/runner/run.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/scenarios/support.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// A machine whose verifier finds PCR 4 wrong, or nothing.
simulation_outputs pretend(bool trusted) {
    simulation_outputs outputs;
    outputs.finished = true;
    outputs.simulated = sc_core::sc_time(1500, sc_core::SC_MS);
    outputs.timeline = {{sc_core::sc_time(2, sc_core::SC_US), "g1", "started"}};
    outputs.verdicts = {
        {"g1", trusted, {{"vtpm-quote", true, "signature is right"}, {"pcr-4", trusted, "kernel"}}}};
    outputs.where_time_went = {{"bus", sc_core::sc_time(1, sc_core::SC_MS)},
                               {"chip", sc_core::sc_time(3, sc_core::SC_MS)}};
    outputs.files = {{"latency.csv", "time_ns\n"}, {"evidence/g1/quote.bin", std::string("\0\1", 2)}};
    return outputs;
}

simulation simulate_as(bool trusted) {
    return [trusted](const models::run_config&, const simulation_options& options) {
        simulation_outputs outputs = pretend(trusted);
        for (const timeline_line& line : outputs.timeline) {
            if (options.on_line)
                options.on_line(line);
        }
        if (options.vcd)
            std::ofstream(options.trace_directory / "trace.vcd") << "$end\n";
        return outputs;
    };
}

struct finished_run {
    run_result result;
    std::string printed;
};

finished_run run_small(const temporary_directory& place, const std::string& expect,
                       const simulation& simulate, bool vcd = true) {
    small_scenario_directory folder(small_scenario + expect);
    std::ostringstream out;
    run_options options;
    options.out = place.path() / "out";
    options.vcd = vcd;
    run_result result = run(load_scenario(folder.file), options, simulate, out);
    return {result, out.str()};
}

const std::string expect_trusted = "[expect.g1]\nverdict = \"trusted\"\n";
const std::string expect_pcr4 = "[expect.g1]\nverdict = \"untrusted\"\nfailed_checks = [\"pcr-4\"]\n";

}  // namespace

TEST_CASE("a run leaves its files and prints what happened") {
    temporary_directory place;
    finished_run done = run_small(place, expect_trusted, simulate_as(true));
    CHECK(done.result.code == exit_code::ok);
    CHECK(content_of(place.path() / "out/trace.vcd") == "$end\n");
    CHECK(content_of(place.path() / "out/timeline.txt") == "       0.002000 ms  g1            started\n");
    CHECK(content_of(place.path() / "out/evidence/g1/quote.bin").size() == 2);
    CHECK(
        done.printed.starts_with("       0.002000 ms  g1            started\n"
                                 "verdict  g1: TRUSTED\n"
                                 "  ok      vtpm-quote: signature is right\n"));
    CHECK(done.printed.find("  chip                      3.000000 ms   75.0 %\n") != std::string::npos);
    CHECK(done.printed.find("expected g1: trusted  held\nsimulated    1.500000000000 s\n") !=
          std::string::npos);
    auto json = nlohmann::json::parse(content_of(place.path() / "out/result.json"));
    CHECK(json["verdicts"][0]["reasons"][1]["check"] == "pcr-4");
    CHECK(json["fingerprint"] == done.result.fingerprint);
    CHECK(json["simulated_ps"] == 1'500'000'000'000ULL);
    CHECK(json["expectations"][0]["held"] == true);
}

TEST_CASE("expectations decide the exit code") {
    temporary_directory place;
    CHECK(run_small(place, expect_pcr4, simulate_as(false)).result.code == exit_code::ok);
    CHECK(run_small(place, "", simulate_as(false)).result.code == exit_code::ok);
    finished_run wrong = run_small(place, expect_trusted, simulate_as(false));
    CHECK(wrong.result.code == exit_code::expectation_failed);
    CHECK(wrong.printed.find("expected g1: trusted  DID NOT HOLD; seen: untrusted, failed: pcr-4\n") !=
          std::string::npos);
    CHECK(run_small(place, expect_pcr4, simulate_as(true)).result.code == exit_code::expectation_failed);
    std::string other_check = "[expect.g1]\nverdict = \"untrusted\"\nfailed_checks = [\"ima-log\"]\n";
    CHECK(run_small(place, other_check, simulate_as(false)).result.code == exit_code::expectation_failed);
    finished_run silent = run_small(place, expect_trusted, [](const auto&, const auto&) {
        simulation_outputs outputs = pretend(true);
        outputs.verdicts.clear();
        return outputs;
    });
    CHECK(silent.result.code == exit_code::expectation_failed);
    CHECK(silent.result.expectations.at(0).seen == "no verdict");
}

TEST_CASE("one of several verdicts that differs breaks the expectation") {
    std::vector<models::verdict> verdicts = {pretend(true).verdicts[0], pretend(false).verdicts[0],
                                             pretend(true).verdicts[0]};
    std::vector<expectation_result> results = check_expectations({{"g1", true, {}}}, verdicts);
    CHECK_FALSE(results.at(0).held);
    CHECK(results.at(0).seen == "untrusted, failed: pcr-4");
}

TEST_CASE("a run that is not over in time is marked incomplete") {
    temporary_directory place;
    finished_run late = run_small(place, "", [](const auto&, const auto&) {
        simulation_outputs outputs = pretend(true);
        outputs.finished = false;
        outputs.problem = "the chip is on fire";
        return outputs;
    });
    CHECK(late.result.code == exit_code::expectation_failed);
    CHECK(late.printed.find("NOT FINISHED: the chip is on fire (time_limit 600.000000000000 s)\n") !=
          std::string::npos);
    CHECK(content_of(place.path() / "out/INCOMPLETE") ==
          "the run did not come to its end: the chip is on fire\n");
}

TEST_CASE("the same run has the same fingerprint and any other content another one") {
    temporary_directory place;
    std::string first = run_small(place, "", simulate_as(true)).result.fingerprint;
    CHECK(first.size() == 64);
    CHECK(run_small(place, "", simulate_as(false)).result.fingerprint != first);
    CHECK(run_small(place, "", simulate_as(true), false).result.fingerprint != first);

    output_directory one(place.path() / "one");
    output_directory two(place.path() / "two");
    one.write("a", "x");
    two.write("a", "x");
    CHECK(fingerprint(one, "{}") == fingerprint(two, "{}"));
    CHECK(fingerprint(one, "{}") != fingerprint(two, "{ }"));
    two.write("a", "y");
    CHECK(fingerprint(one, "{}") != fingerprint(two, "{}"));
}

TEST_CASE("a simulation that breaks leaves no output") {
    temporary_directory place;
    auto broken = [](const auto&, const auto&) -> simulation_outputs { throw std::runtime_error("bug"); };
    CHECK_THROWS_WITH(run_small(place, "", broken), "bug");
    CHECK(std::filesystem::is_empty(place.path()));
}
