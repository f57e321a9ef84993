// How many runs a statement needs.
#pragma once

#include <cstdint>

namespace vtwin::scenario {

/// Runs to draw without replacement from `population` so that a ratio is known to +-`margin` with
/// `confidence`: N t^2 p(1-p) / (e^2 (N-1) + t^2 p(1-p)), rounded up, with the exact normal quantile for t
/// (Leveugle, Calvez, Maistri, Vanhauwaert, DATE 2009). `guess` is the ratio expected; 0.5 is the safe one.
/// Never more than the population. 0 < margin, confidence, guess < 1.
std::uint64_t sample_size(std::uint64_t population, double margin, double confidence, double guess = 0.5);
/// The same for a population without end.
std::uint64_t sample_size_of_infinite(double margin, double confidence, double guess = 0.5);

/// Runs without a single failure that show "probability per run <= bound" with `confidence`:
/// ln(1-confidence) / ln(1-bound), rounded up.
std::uint64_t zero_failure_runs(double bound, double confidence);
/// What `runs` runs without a failure show: 1 - (1-confidence)^(1/runs); 1 without any run.
double zero_failure_bound(std::uint64_t runs, double confidence);

}  // namespace vtwin::scenario
