// One figure from several strata, and how to share runs among strata.
#pragma once

#include <cstdint>
#include <vector>

#include "scenarios/statistics/intervals.h"

namespace vtwin::scenario {

struct stratum_sample {
    double weight = 0;  ///< share of the whole; need not sum to 1
    std::uint64_t hits = 0, runs = 0;
    std::uint64_t population =
        0;  ///< the stratum's; 0: endless. A stratum that was run in full has no variance
};

struct stratified_estimate {
    double ratio = 0;
    double variance = 0;
    interval within;     ///< normal approximation, cut to 0..1
    bool known = false;  ///< false when no stratum with a weight has runs
    double covered = 0;  ///< share of the weight that has runs; the estimate speaks of that share
};

/// Sum of W_h p_h with variance sum of W_h^2 p_h (1-p_h) / n_h, times (N_h-n_h)/(N_h-1) where the population
/// is known. Strata without runs are left out and the other weights scaled up; `covered` says so.
stratified_estimate estimate(const std::vector<stratum_sample>& strata, double confidence);

/// Shares `total` runs among strata in proportion to W_h sqrt(p_h (1-p_h)) (Neyman): every sum is exactly
/// `total`, remainders go to the largest. `ratios` are the expected p_h; with all spreads zero the weights
/// decide.
struct allocation_input {
    double weight = 0, ratio = 0;
};
std::vector<std::uint64_t> neyman_allocation(const std::vector<allocation_input>& strata,
                                             std::uint64_t total);

}  // namespace vtwin::scenario
