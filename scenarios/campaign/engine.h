// What somebody must bring to run campaigns: a maker of executions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "scenarios/campaign/execution.h"

namespace vtwin::scenario {

/// What one run may use; more is a result (O5 for time, O8 for memory), never the end of the campaign.
struct run_limits {
    std::uint64_t cpu_seconds = 60;
    std::uint64_t memory = 4ULL << 30;  ///< bytes
};

struct execution_setup {
    std::string scenario;  ///< for load_scenario; a world brings the overrides, its seed is set as key "seed"
    run_limits limits;
    bool snapshots = true;  ///< false: every run from power on
};

/// Empty: there is no engine, and campaigns can only be planned and looked at. The sink of a run may throw (a
/// full disk): the engine then ends its processes and lets the exception pass.
using execution_factory = std::function<std::unique_ptr<execution_if>(const execution_setup&)>;

}  // namespace vtwin::scenario
