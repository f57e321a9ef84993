// Ratios and intervals as text: the same figure is always the same text.
#pragma once

#include <cstdint>
#include <string>

#include "scenarios/statistics/intervals.h"

namespace vtwin::scenario {

/// Percent with as many decimals as a small ratio needs to show three digits: "0 %", "12.3 %", "0.00312 %",
/// "100 %".
std::string print_percent(double ratio);
/// "0.0312 % .. 1.23 %"
std::string print_interval(const interval& within);
/// "3/385"
std::string print_share(std::uint64_t hits, std::uint64_t runs);
/// A probability of a test: "0.0312", "1.2e-07", "1".
std::string print_probability(double p);

}  // namespace vtwin::scenario
