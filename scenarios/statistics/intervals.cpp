#include "scenarios/statistics/intervals.h"

#include <algorithm>
#include <cmath>

#include "scenarios/statistics/distributions.h"

namespace vtwin::scenario {

interval wilson(std::uint64_t hits, std::uint64_t runs, double confidence) {
    if (runs == 0)
        return {};
    const double n = static_cast<double>(runs), p = static_cast<double>(hits) / n;
    const double z = normal_quantile(0.5 + confidence / 2), z2 = z * z;
    const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
    const double half = z / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    // At the ends the formula gives 0 and 1 exactly; arithmetic may miss them by a hair.
    return {hits == 0 ? 0 : std::max(0.0, centre - half), hits == runs ? 1 : std::min(1.0, centre + half)};
}

interval clopper_pearson(std::uint64_t hits, std::uint64_t runs, double confidence) {
    const double one_sided = 0.5 + confidence / 2;
    return {lower_bound(hits, runs, one_sided), upper_bound(hits, runs, one_sided)};
}

double upper_bound(std::uint64_t hits, std::uint64_t runs, double confidence) {
    if (hits >= runs)
        return 1;
    return beta_quantile(confidence, static_cast<double>(hits) + 1, static_cast<double>(runs - hits));
}

double lower_bound(std::uint64_t hits, std::uint64_t runs, double confidence) {
    if (hits == 0 || runs == 0)
        return 0;
    return beta_quantile(1 - confidence, static_cast<double>(hits), static_cast<double>(runs - hits) + 1);
}

}  // namespace vtwin::scenario
