// What a run came to: expectations held against verdicts, the result file, the fingerprint.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scenarios/config/scenario.h"
#include "scenarios/runner/output_directory.h"
#include "scenarios/runner/simulation.h"

namespace vtwin::scenario {

/// One expectation and whether it held.
struct expectation_result {
    expectation expected;
    bool held = false;
    std::string seen;  ///< in words: what the verdict was, or that there was none
};

/// One thing that a scenario says about the outcome of its faults, in words, and whether it held.
struct outcome_result {
    std::string expected, seen;
    bool held = false;
};
/// With faults: the classes that are allowed and the invariants that must be seen broken, as far as the
/// scenario says so. Without: the same invariants, and that no other is broken.
std::vector<outcome_result> check_outcome(const loaded_scenario& ran, const simulation_outputs& outputs);

/// Every verdict on the guest must be the expected one, and there must be one.
std::vector<expectation_result> check_expectations(const std::vector<expectation>& expectations,
                                                   const std::vector<models::verdict>& verdicts);

/// SHA-256 over "<sha256 of content>  <path>\n" for every file in order of path, then for `result_body` under
/// the name result.json: what `sha256sum` prints, hashed. 64 hexadecimal digits.
std::string fingerprint(const output_directory& files, const std::string& result_body);

/// What speaks against the files of a directory being those that a run left there: "" when its fingerprint
/// holds, else a sentence.
std::string check_fingerprint(const std::filesystem::path& directory);

/// result.json: `fingerprint` is left out when empty (this text is what the fingerprint covers).
std::string result_json(const loaded_scenario& ran, const simulation_outputs& outputs,
                        const std::vector<expectation_result>& expectations,
                        const std::vector<outcome_result>& about_outcome, const std::string& fingerprint);

/// Name and version of what the result depends on: vtwin, SystemC, libtpms, OpenSSL.
struct component_version {
    std::string name, version;
};
std::vector<component_version> component_versions();

/// "1.234567890123 s" with all digits of the picosecond.
std::string print_seconds(const sc_core::sc_time& time);

}  // namespace vtwin::scenario
