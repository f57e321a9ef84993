// Scenario files and command-line overrides to settings, as written: unknown keys and wrong values are the
// user's mistakes, with file and line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scenarios/schema/settings.h"

namespace vtwin::scenario {

/// One `--set key=value`, or another option that sets a key.
struct override_text {
    std::string key, text;
    std::string option = "--set";  ///< what messages call it
};
/// Splits "key=value"; throws user_error when there is no '='.
override_text parse_override(const std::string& option);

/// Content of a text file of the user; throws user_error naming it `shown_name` when it cannot be read.
std::string read_text_file(const std::filesystem::path& file, const std::string& shown_name);

/// Reads a scenario file on top of the one that its key `base` names (in `library` when that is no path),
/// then applies the overrides, which win. `shown_name` is the name that messages use for the file; paths in
/// the file are relative to its folder, paths in overrides to the current one. Throws user_error with every
/// mistake found.
settings read_settings(const std::filesystem::path& file, const std::string& shown_name,
                       const std::vector<override_text>& overrides, const std::filesystem::path& library);

}  // namespace vtwin::scenario
