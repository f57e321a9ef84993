// Fills in what a scenario leaves out.
#pragma once

#include <filesystem>

#include "scenarios/schema/settings.h"

namespace vtwin::scenario {

/// Gives every declared key of every thing that the scenario has its value: declared defaults, cost profiles,
/// values that follow from other keys. Keys whose absence has a meaning stay absent. `scenario_name` stands
/// in for `name`. `written` is what the scenario's file says without the overrides of this run: the verifier
/// approves that, so that a guest changed with --set is found out. Throws user_error for keys that must be
/// given, and for profiles.
void complete(settings& all, settings written, const std::string& scenario_name,
              const std::filesystem::path& library);

}  // namespace vtwin::scenario
