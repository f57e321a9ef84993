// Completed settings to the structs that the models read.
#pragma once

#include <filesystem>
#include <vector>

#include "models/platform/config.h"
#include "scenarios/config/scenario.h"

namespace vtwin::scenario {

/// Reads and hashes the files that take part. Mistakes are added to `problems`; the result counts only
/// without any.
models::run_config build_run_config(const settings& all, const std::filesystem::path& library,
                                    std::vector<problem>& problems);
std::vector<expectation> build_expectations(const settings& all);

}  // namespace vtwin::scenario
