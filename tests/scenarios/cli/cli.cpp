#include "scenarios/cli/cli.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "scenarios/faults/catalogue.h"
#include "scenarios/oracles/oracle.h"
#include "scenarios/runner/run.h"
#include "tests/scenarios/cli/call.h"
#include "tests/scenarios/support.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

simulation_outputs simulate_untrusted(const models::run_config& config, const simulation_options&) {
    simulation_outputs outputs;
    outputs.finished = true;
    for (const models::guest_config& guest : config.machine.guests)
        outputs.verdicts.push_back(
            {guest.name, false, {{"pcr-4", false, "seed " + std::to_string(config.seed)}}});
    return outputs;
}

call_result call(const std::vector<std::string>& words, const simulation& simulate = simulate_untrusted) {
    return call_with(words, simulate);
}

/// Lines that do not start with a blank.
std::vector<std::string> headings(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (!line.empty() && line.front() != ' ')
            lines.push_back(line.substr(0, line.find(' ')));
    }
    return lines;
}

}  // namespace

TEST_CASE("help and version are answers and not mistakes") {
    for (std::vector<std::string> words :
         {std::vector<std::string>{"--help"}, {"run", "--help"}, {"check", "--help"}, {"list", "--help"}}) {
        call_result result = call(words);
        INFO(words.front());
        CHECK(result.code == 0);
        CHECK(result.err == "");
        CHECK(result.out.find("--version") != std::string::npos);
    }
    for (std::vector<std::string> words : {std::vector<std::string>{"--version"}, {"run", "--version"}}) {
        call_result result = call(words);
        CHECK(result.code == 0);
        CHECK(result.out.starts_with("vtwin " VTWIN_VERSION "\nsystemc "));
    }
}

TEST_CASE("mistakes in options have exit code 2 and are told on the error stream") {
    for (std::vector<std::string> words : {std::vector<std::string>{},
                                           {"fly"},
                                           {"run"},
                                           {"check"},
                                           {"list"},
                                           {"list", "birds"},
                                           {"run", "--fast", "x"}}) {
        call_result result = call(words);
        CHECK(result.code == 2);
        CHECK(result.out == "");
        CHECK_FALSE(result.err.empty());
    }
    call_result result = call({"check", "no/such.toml"});
    CHECK(result.code == 2);
    CHECK(result.err == "vtwin: error: no/such.toml: no such file\n");
    small_scenario_directory folder;
    CHECK(call({"check", folder.file, "--set", "sed=1"}).err ==
          "vtwin: error: --set: sed: unknown key; did you mean 'seed'?\n");
    CHECK(
        call({"check", folder.file, "--seed", "x"}).err.starts_with("vtwin: error: --seed: seed: expected "));
}

TEST_CASE("check reads a scenario and runs nothing") {
    small_scenario_directory folder;
    call_result result = call({"check", folder.file}, {});
    CHECK(result.code == 0);
    CHECK(result.out == folder.file + ": ok: 2 vTPMs, 1 guests, chip slb9635\n");
}

TEST_CASE("run gives the exit code of the expectations") {
    small_scenario_directory folder;
    std::string out = folder.at("out");
    call_result result = call({"run", folder.file, "--out", out, "--seed", "9", "--no-vcd", "--quiet"});
    CHECK(result.code == 0);
    CHECK(result.err == "");
    CHECK(result.out.find("FAILED  pcr-4: seed 9\n") != std::string::npos);
    CHECK(content_of(folder.path() / "out/scenario.resolved.toml").find("\nseed = 9\n") != std::string::npos);

    folder.write("test.toml", small_scenario + "[expect.g1]\nverdict = \"trusted\"\n");
    CHECK(call({"run", folder.file, "--out", out}).code == 1);
    CHECK(call({"run", folder.file, "--out", folder.file + "/out"}).code == 2);
    call_result bug =
        call({"run", folder.file, "--out", out},
             [](const auto&, const auto&) -> simulation_outputs { throw std::logic_error("oops"); });
    CHECK(bug.code == 3);
    CHECK(bug.err == "vtwin: error: internal error: oops\n");
}

TEST_CASE("lists are not empty and sorted") {
    for (const char* what : {"behaviours", "chips", "keys", "scenarios", "signals"}) {
        call_result result = call({"list", what});
        std::vector<std::string> names = headings(result.out);
        INFO(what);
        CHECK(result.code == 0);
        CHECK(names.size() >= 2);
        CHECK(std::is_sorted(names.begin(), names.end()));
        CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
    }
    CHECK(headings(call({"list", "faults"}).out).size() > fault_kinds().size());
    CHECK(fault_kinds().size() >= 45);
    CHECK(all_invariants().size() >= 30);
    for (const auto& each : all_invariants())
        CHECK(call({"list", "oracles"}).out.find(each.statement) != std::string::npos);
    CHECK(headings(call({"list", "behaviours"}).out).size() == models::all_behaviours().size());
    CHECK(call({"list", "keys"}).out.find("guest.<name>.kernel  (path; required)\n") != std::string::npos);
}
