// `vtwin verify`.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <ostream>

namespace vtwin::scenario {

/// Adds the command to `app`. What comes back is called after parsing: it judges the evidence that a run left
/// and gives the exit code, or nothing when another command was given. Throws user_error.
std::function<std::optional<int>(std::ostream& out)> add_verify_command(CLI::App& app);

}  // namespace vtwin::scenario
