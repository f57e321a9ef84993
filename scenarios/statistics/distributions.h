// Quantiles and tails of the distributions that the other files of this folder need.
#pragma once

#include <cstdint>

namespace vtwin::scenario {

/// x with P(X <= x) = p for a standard normal X; 0 < p < 1.
double normal_quantile(double p);
/// x with P(X <= x) = p for a beta-distributed X; 0 < p < 1, a > 0, b > 0.
double beta_quantile(double p, double a, double b);
/// P(X = hits) and P(X <= hits) of `runs` fair coins; hits <= runs.
double coin_probability(std::uint64_t hits, std::uint64_t runs);
double coin_tail(std::uint64_t hits, std::uint64_t runs);

}  // namespace vtwin::scenario
