// The command line of vtwin: options in, one of the runner's functions called, an exit code out.
#pragma once

#include <ostream>

#include "scenarios/campaign/engine.h"
#include "scenarios/runner/simulation.h"

namespace vtwin::scenario {

/// Runs the program. Results go to `out`, mistakes to `err`. Returns 0, 1 (an expectation did not hold), 2
/// (the user's mistake) or 3 (our bug). Without a simulation there is no `run`, without an engine campaigns
/// are only planned and looked at.
int run_cli(int argc, const char* const* argv, const simulation& simulate, std::ostream& out,
            std::ostream& err, const execution_factory& engine = {});

/// `vtwin list WHAT`: scenarios, chips, behaviours, keys or signals.
void print_list(const std::string& what, std::ostream& out);

}  // namespace vtwin::scenario
