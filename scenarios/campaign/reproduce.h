// A run of a campaign as a scenario of its own, and scenarios as texts that are tried.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "scenarios/campaign/execution.h"
#include "scenarios/campaign/shrink.h"
#include "scenarios/config/scenario.h"

namespace vtwin::scenario {

/// `base` as load_scenario takes it, in the world `where`, with the faults of `run`.
loaded_scenario scenario_of(const std::string& base, const world& where, const planned_run& run,
                            const std::filesystem::path& library = default_library());

/// The same as changes to its base, to be made smaller. Throws user_error when a setting of the world is no
/// scenario key any more.
reduced_scenario reduction_of(const std::string& base, const world& where, const planned_run& run);
shrinkable_parts parts_of(const loaded_scenario& scenario);

/// Runs scenario texts, each in a process of its own, from a folder of its own that goes with it.
class scenario_trial {
  public:
    explicit scenario_trial(const std::filesystem::path& library = default_library());
    ~scenario_trial();
    scenario_trial(const scenario_trial&) = delete;
    scenario_trial& operator=(const scenario_trial&) = delete;

    /// How it fails; nullopt when it is no scenario or the simulator died.
    std::optional<failure> operator()(const std::string& text) const;

  private:
    std::filesystem::path m_library, m_folder;
};

}  // namespace vtwin::scenario
