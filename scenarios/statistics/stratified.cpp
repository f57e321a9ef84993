#include "scenarios/statistics/stratified.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scenarios/statistics/distributions.h"

namespace vtwin::scenario {
namespace {

double variance_of(const stratum_sample& one) {
    const double n = static_cast<double>(one.runs), p = static_cast<double>(one.hits) / n;
    double variance = p * (1 - p) / n;
    if (one.population == 0)
        return variance;
    if (one.runs >= one.population)
        return 0;
    const double all = static_cast<double>(one.population);
    return variance * (all - n) / (all - 1);
}

std::vector<double> shares_of(const std::vector<allocation_input>& strata) {
    std::vector<double> shares;
    shares.reserve(strata.size());
    for (const auto& each : strata)
        shares.push_back(each.weight * std::sqrt(each.ratio * (1 - each.ratio)));
    if (std::ranges::all_of(shares, [](double share) { return share == 0; }))
        std::ranges::transform(strata, shares.begin(), &allocation_input::weight);
    return shares;
}

}  // namespace

stratified_estimate estimate(const std::vector<stratum_sample>& strata, double confidence) {
    double all = 0, run = 0;
    for (const auto& each : strata) {
        all += each.weight;
        run += each.runs == 0 ? 0 : each.weight;
    }
    stratified_estimate made;
    if (run <= 0)
        return made;
    made.known = true;
    made.covered = run / all;
    for (const auto& each : strata) {
        if (each.runs == 0)
            continue;
        const double weight = each.weight / run;
        made.ratio += weight * static_cast<double>(each.hits) / static_cast<double>(each.runs);
        made.variance += weight * weight * variance_of(each);
    }
    const double half = normal_quantile(0.5 + confidence / 2) * std::sqrt(made.variance);
    made.within = {std::max(0.0, made.ratio - half), std::min(1.0, made.ratio + half)};
    return made;
}

std::vector<std::uint64_t> neyman_allocation(const std::vector<allocation_input>& strata,
                                             std::uint64_t total) {
    const auto shares = shares_of(strata);
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    std::vector<std::uint64_t> given(strata.size(), 0);
    if (sum <= 0)
        return given;
    std::vector<double> rest(strata.size());
    std::uint64_t used = 0;
    for (std::size_t i = 0; i < strata.size(); ++i) {
        const double exact = static_cast<double>(total) * shares[i] / sum;
        given[i] = static_cast<std::uint64_t>(exact);
        rest[i] = exact - std::floor(exact);
        used += given[i];
    }
    std::vector<std::size_t> order(strata.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return rest[i]; });
    for (std::size_t i = 0; used < total; i = (i + 1) % order.size(), ++used)
        ++given[order[i]];
    return given;
}

}  // namespace vtwin::scenario
