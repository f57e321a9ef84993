// Two designs under the same faults: which of them fails more often.
#pragma once

#include <cstdint>

namespace vtwin::scenario {

/// The same (seed, fault) run with two designs, counted by who failed.
struct paired_counts {
    std::uint64_t both = 0, only_first = 0, only_second = 0, neither = 0;
    std::uint64_t pairs() const { return both + only_first + only_second + neither; }
};

struct mcnemar_result {
    double exact = 1;  ///< two-sided p value of the binomial test on the pairs that differ
    double mid_p = 1;  ///< the same with half the probability of the seen count taken off; less timid
};

/// McNemar's test. 1 and 1 when no pair differs.
mcnemar_result mcnemar(const paired_counts& counts);

}  // namespace vtwin::scenario
