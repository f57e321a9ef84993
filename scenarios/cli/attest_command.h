// `vtwin attest`: asks a served guest's agent for an attestation, and shows the verdict.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <ostream>

namespace vtwin::scenario {

/// Adds the command; the function returned carries it out when it was given, and then gives the exit code.
/// Throws user_error.
std::function<std::optional<int>(std::ostream&)> add_attest_command(CLI::App& app);

}  // namespace vtwin::scenario
