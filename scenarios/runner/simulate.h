// The simulation behind the runner's seam: elaborates models/platform, records what crosses its wires, runs
// it.
#pragma once

#include "scenarios/runner/simulation.h"

namespace vtwin::scenario {

/// Usable once per process.
simulation_outputs simulate(const models::run_config& config, const simulation_options& options);

}  // namespace vtwin::scenario
