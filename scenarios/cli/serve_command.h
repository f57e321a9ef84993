// `vtwin serve`.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <ostream>

#include "scenarios/runner/simulation.h"

namespace vtwin::scenario {

/// Adds the command to `app`. What comes back is called after parsing: it serves and gives the exit code, or
/// nothing when another command was given. Throws user_error.
std::function<std::optional<int>(std::ostream& out)> add_serve_command(CLI::App& app,
                                                                       const simulation& simulate);

}  // namespace vtwin::scenario
