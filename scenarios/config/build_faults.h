// The faults of a scenario, and what it says about their outcome.
#pragma once

#include <vector>

#include "scenarios/config/scenario.h"
#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

/// Faults of the tables [faults.<name>], checked against the machine's wires. What is completed (defaults of
/// parameters, the wire that is counted) is written back into `all`.
std::vector<fault> build_faults(settings& all, const std::vector<wire_name>& wires,
                                std::vector<problem>& problems);
outcome_expectation build_outcome_expectation(const settings& all);

/// The other way: a table [faults.<name>] for each, in place of those that are there.
void put_faults(settings& all, const std::vector<fault>& faults);

}  // namespace vtwin::scenario
