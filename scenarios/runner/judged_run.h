// A run with faults and the run without them, from one power on: the two part when the first fault begins.
#pragma once

#include "scenarios/oracles/outcome.h"
#include "scenarios/runner/run_messages.h"
#include "scenarios/runner/simulated_world.h"

namespace vtwin::scenario {

struct judged_run {
    run_record record;
    run_record golden;  ///< of the run without faults
    outcome result;
};

/// Runs the world to its end in this process; its copy without faults runs in a child meanwhile. Without any
/// fault that begins there is no copy, and the run is judged by itself: by the invariants that it breaks.
judged_run run_and_judge(simulated_world& world);
/// The same without a copy: for a run that others take part in, which cannot be had twice at once.
judged_run run_alone(simulated_world& world);

}  // namespace vtwin::scenario
