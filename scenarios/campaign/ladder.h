// Runs of one world in copies of it: the fault-free run goes on, and at each moment where a run's first fault
// would begin a copy of the process branches off and runs only what follows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/campaign/engine.h"
#include "scenarios/config/scenario.h"
#include "scenarios/runner/run_messages.h"

namespace vtwin::scenario {

/// What the processes of one world need. All of it outlives them.
struct world_task {
    const loaded_scenario& scenario;
    std::vector<const planned_run*> runs;
    const run_record& golden;  ///< of the fault-free run
    run_limits limits;
    const message_channel& results;
    std::size_t number = 0;  ///< sent along with every message
};

// Each of these takes the one simulation of the calling process.

/// The fault-free run, with the crossings that meet each trigger counted.
void run_golden(const loaded_scenario& scenario, const std::vector<trigger>& triggers,
                const message_channel& results, std::size_t number);
/// All runs, one copy at a time. Sends a result for each.
void walk_ladder(const world_task& task);
/// One run from power on, in this process, which ends with it: faults live from the start.
[[noreturn]] void run_from_boot(const world_task& task, const planned_run& run);
/// All runs from power on, each in a child of this process: what the ladder saves.
void run_each_from_boot(const world_task& task);

/// Patterns of all wires that a run's faults count or act on.
std::vector<std::string> wires_of_runs(const std::vector<const planned_run*>& runs);

}  // namespace vtwin::scenario
