// How many crossings meet the triggers of the faults of a campaign: asked of runs without faults.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/campaign/campaign_file.h"
#include "scenarios/campaign/execution.h"

namespace vtwin::scenario {

/// Checks a point and fills in what follows from its kind. Throws user_error: values that are each right may
/// not go together.
fault completed(const fault_pattern& pattern, const fault& point, const std::vector<wire_name>& wires,
                const fault_check& check);

/// For each pattern with nth = "all" the crossings per trigger, for the others nothing; the largest number
/// over the variants. `worlds` are the variants of one seed. Throws user_error: no engine, too many triggers,
/// a run without faults that is not sound.
std::vector<std::vector<std::uint64_t>> count_crossings(const std::vector<const fault_pattern*>& patterns,
                                                        const std::vector<world>& worlds,
                                                        const std::vector<wire_name>& wires,
                                                        const fault_check& check, execution_if* engine);

}  // namespace vtwin::scenario
