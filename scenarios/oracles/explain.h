// A run's way from the fault to its outcome, in sentences.
#pragma once

#include <string>
#include <vector>

#include "scenarios/faults/fault.h"
#include "scenarios/oracles/outcome.h"

namespace vtwin::scenario {

/// One sentence per line: the faults, the first thing that differs from the run without faults, what
/// followed, the violations, the outcome. `most` lines of what followed are kept: the first, the last, all
/// errors first.
std::string explain(const run_record& golden, const run_record& run, const std::vector<fault>& faults,
                    std::size_t most = 30);

}  // namespace vtwin::scenario
