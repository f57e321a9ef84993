// Faults as one line of JSON and back: the form in which stores keep them and replays read them.
#pragma once

#include <string>
#include <vector>

#include "scenarios/faults/fault.h"

namespace vtwin::scenario {

/// Canonical: keys sorted, no blanks, times in picoseconds; equal faults give equal text.
std::string write_faults(const std::vector<fault>& faults);
/// Reads what write_faults wrote; throws user_error when it is something else.
std::vector<fault> read_faults(const std::string& text);

/// In words: "disk.torn on vtpm1.disk at crossing 3 of write (keep=17)".
std::string describe(const std::vector<fault>& faults);

}  // namespace vtwin::scenario
