#include "scenarios/statistics/paired.h"

#include <algorithm>

#include "scenarios/statistics/distributions.h"

namespace vtwin::scenario {

mcnemar_result mcnemar(const paired_counts& counts) {
    const auto differ = counts.only_first + counts.only_second;
    if (differ == 0)
        return {};
    const auto fewer = std::min(counts.only_first, counts.only_second);
    const double tail = 2 * coin_tail(fewer, differ);
    // In an even split the two tails share the middle, which the mid-p counts half.
    if (2 * fewer == differ)
        return {1, 1 - coin_probability(fewer, differ) / 2};
    return {std::min(1.0, tail), std::min(1.0, tail - coin_probability(fewer, differ))};
}

}  // namespace vtwin::scenario
