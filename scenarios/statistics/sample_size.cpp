#include "scenarios/statistics/sample_size.h"

#include <algorithm>
#include <cmath>

#include "scenarios/statistics/distributions.h"

namespace vtwin::scenario {
namespace {

/// t^2 p(1-p)
double spread(double confidence, double guess) {
    const double t = normal_quantile(0.5 + confidence / 2);
    return t * t * guess * (1 - guess);
}

}  // namespace

std::uint64_t sample_size(std::uint64_t population, double margin, double confidence, double guess) {
    if (population == 0)
        return 0;
    const double all = static_cast<double>(population), wide = spread(confidence, guess);
    const double needed = all * wide / (margin * margin * (all - 1) + wide);
    return std::min(population, static_cast<std::uint64_t>(std::ceil(needed)));
}

std::uint64_t sample_size_of_infinite(double margin, double confidence, double guess) {
    return static_cast<std::uint64_t>(std::ceil(spread(confidence, guess) / (margin * margin)));
}

std::uint64_t zero_failure_runs(double bound, double confidence) {
    return static_cast<std::uint64_t>(std::ceil(std::log1p(-confidence) / std::log1p(-bound)));
}

double zero_failure_bound(std::uint64_t runs, double confidence) {
    return runs == 0 ? 1 : -std::expm1(std::log1p(-confidence) / static_cast<double>(runs));
}

}  // namespace vtwin::scenario
