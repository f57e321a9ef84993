// A scenario that has been read, completed and checked: what the runner needs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "models/platform/config.h"
#include "scenarios/faults/fault.h"
#include "scenarios/schema/reader.h"
#include "scenarios/schema/settings.h"

namespace vtwin::scenario {

/// What a scenario says about its own outcome.
struct expectation {
    std::string guest;
    bool trusted = false;
    std::vector<std::string> failed_checks;  ///< each must be among the checks that failed
};

/// What a scenario with faults says about the class that the run ends in.
struct outcome_expectation {
    std::vector<std::string> allowed;   ///< codes of outcome classes; empty: any
    std::vector<std::string> violates;  ///< invariants, each of which must be seen broken
    bool stated() const { return !allowed.empty() || !violates.empty(); }
};

struct loaded_scenario {
    std::string name, description;
    settings all;  ///< every key, defaults filled in
    models::run_config config;
    std::vector<expectation> expectations;
    std::vector<fault> faults;  ///< checked, in order of their names
    outcome_expectation outcome;
};

/// Folder of the scenarios and profiles that come with the program.
std::filesystem::path default_library();

/// Reads a scenario. `file` is a path, or the name of a scenario of the library. Reads every file that the
/// scenario names. Throws user_error with every mistake found.
loaded_scenario load_scenario(const std::string& file, const std::vector<override_text>& overrides = {},
                              const std::filesystem::path& library = default_library());

/// Scenarios of the library: name and description, sorted by name.
struct library_entry {
    std::string name, description;
};
std::vector<library_entry> list_scenarios(const std::filesystem::path& library = default_library());

}  // namespace vtwin::scenario
