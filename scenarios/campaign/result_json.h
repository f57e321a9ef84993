// Results of runs as text and back, for stores and tables.
#pragma once

#include <string>
#include <vector>

#include "scenarios/campaign/execution.h"

namespace vtwin::scenario {

/// One line of JSON; read_violations reads it, or throws user_error.
std::string write_violations(const std::vector<violation>& violations);
std::vector<violation> read_violations(const std::string& text);

/// A line of the result table: id, variant, seed, stratum, faults, class, first invariant, its time, faults
/// begun, first begun, end, fingerprint, summary, violations. Times in picoseconds.
std::string table_line(const planned_run& plan, const world& where, const finished_run& result);

}  // namespace vtwin::scenario
