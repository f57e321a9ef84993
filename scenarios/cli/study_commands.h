// `vtwin study run|merge|report|list`.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <ostream>

namespace vtwin::scenario {

/// Adds the command to `app`. What comes back is called after parsing: it carries out what was given and
/// gives the exit code, or nothing when another command was given. Throws user_error.
std::function<std::optional<int>(std::ostream& out, std::ostream& err)> add_study_commands(CLI::App& app);

}  // namespace vtwin::scenario
