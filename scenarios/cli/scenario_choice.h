// The part of a command line that says which scenario, changed how.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

#include "scenarios/config/scenario.h"

namespace vtwin::scenario {

struct scenario_choice {
    std::string file, seed;
    std::vector<std::string> changes;

    /// SCENARIO, --set and --seed.
    void add_to(CLI::App& command);
    /// Throws user_error.
    loaded_scenario load() const;
};

}  // namespace vtwin::scenario
