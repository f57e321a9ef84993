// One scenario from its configuration to its output directory.
#pragma once

#include <filesystem>
#include <ostream>

#include "scenarios/config/scenario.h"
#include "scenarios/runner/result.h"
#include "scenarios/runner/simulation.h"

namespace vtwin::scenario {

/// Exit codes of the program, one per kind of error.
enum class exit_code : int { ok = 0, expectation_failed = 1, user_mistake = 2, own_bug = 3 };

struct run_options {
    std::filesystem::path out;  ///< empty: out/<scenario name> below the current folder
    bool vcd = true, pcapng = true, perfetto = true;
    bool quiet = false;  ///< no timeline, only verdicts and the last lines
    live_part* live = nullptr;
    std::function<bool()> interrupted;  ///< see simulation_options
};

struct run_result {
    exit_code code = exit_code::ok;
    std::vector<expectation_result> expectations;
    std::optional<injection_report> injection;
    std::string fingerprint;
    std::filesystem::path out;
};

/// Runs the scenario, prints timeline, verdicts, where the time went and the fingerprint to `out`, and leaves
/// the output directory. Throws user_error when the directory cannot be written, run_interrupted when the run
/// was interrupted; then nothing is left.
run_result run(const loaded_scenario& what, const run_options& options, const simulation& simulate,
               std::ostream& out);

}  // namespace vtwin::scenario
