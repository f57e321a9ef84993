// The points of one fault whose keys have several values, by number.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/campaign/campaign_file.h"
#include "scenarios/faults/fault.h"

namespace vtwin::scenario {

/// Largest space: what is counted fits into a signed 64-bit number.
inline constexpr std::uint64_t most_points = INT64_MAX;
/// a * b, nullopt above most_points.
std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b);

/// Triggers of a pattern: every combination of the values that decide which crossings are counted (target,
/// on, where, at). nullopt when there are more than most_points.
std::optional<std::uint64_t> trigger_count(const fault_pattern& pattern);
/// Combinations of the values of its parameters.
std::optional<std::uint64_t> parameter_count(const fault_pattern& pattern);

/// The fault with the values of one combination each; not checked, so not complete.
fault fault_at(const fault_pattern& pattern, std::uint64_t trigger, std::uint64_t nth,
               std::uint64_t parameters);

/// Faults that show every mistake that a value can be: each value once, with the first ones of the other
/// keys.
std::vector<fault> telling_points(const fault_pattern& pattern);

}  // namespace vtwin::scenario
