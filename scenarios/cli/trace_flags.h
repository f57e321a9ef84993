// The part of a command line that says which traces a run leaves.
#pragma once

#include <CLI/App.hpp>

#include "scenarios/runner/run.h"

namespace vtwin::scenario {

/// --no-vcd, --no-pcapng and --no-perfetto. `options` must outlive the parsing.
void add_trace_flags(CLI::App& command, run_options& options);

}  // namespace vtwin::scenario
