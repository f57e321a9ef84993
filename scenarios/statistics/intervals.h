// Where the true ratio lies when `hits` of `runs` runs were hits.
#pragma once

#include <cstdint>

namespace vtwin::scenario {

struct interval {
    double low = 0, high = 1;
};

/// Wilson's score interval: right on average; for a view of a campaign. (0, 1) without runs.
interval wilson(std::uint64_t hits, std::uint64_t runs, double confidence);
/// Clopper and Pearson: never covers less than `confidence`; for claims. (0, 1) without runs.
interval clopper_pearson(std::uint64_t hits, std::uint64_t runs, double confidence);
/// One-sided exact bounds: the ratio is at most / at least this with `confidence`.
double upper_bound(std::uint64_t hits, std::uint64_t runs, double confidence);
double lower_bound(std::uint64_t hits, std::uint64_t runs, double confidence);

}  // namespace vtwin::scenario
