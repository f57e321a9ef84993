#include "scenarios/statistics/stratified.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

using namespace vtwin::scenario;

TEST_CASE("a stratified estimate weighs strata and adds up their variances") {
    // 0.7 * 0.1 + 0.3 * 0.5 = 0.22; 0.49 * 0.09 / 100 + 0.09 * 0.25 / 50 = 0.000891
    const auto made = estimate({{0.7, 10, 100, 0}, {0.3, 25, 50, 0}}, 0.95);
    CHECK(made.known);
    CHECK(made.covered == 1);
    CHECK(made.ratio == Approx(0.22));
    CHECK(made.variance == Approx(0.000891));
    CHECK(made.within.high - made.ratio == Approx(1.959964 * std::sqrt(0.000891)));
    // Weights need not be shares.
    CHECK(estimate({{7, 10, 100, 0}, {3, 25, 50, 0}}, 0.95).ratio == Approx(0.22));
}

TEST_CASE("what was run in full has no variance and what was run in part has less") {
    CHECK(estimate({{1, 10, 100, 100}}, 0.95).variance == 0);
    // 0.09 / 100 * (200 - 100) / 199
    CHECK(estimate({{1, 10, 100, 200}}, 0.95).variance == Approx(0.0009 * 100 / 199));
}

TEST_CASE("a stratum without runs is left out and said to be missing") {
    const auto made = estimate({{0.75, 10, 100, 0}, {0.25, 0, 0, 0}}, 0.95);
    CHECK(made.ratio == Approx(0.1));
    CHECK(made.covered == Approx(0.75));
    CHECK_FALSE(estimate({{1, 0, 0, 0}}, 0.95).known);
    CHECK_FALSE(estimate({}, 0.95).known);
}

TEST_CASE("Neyman allocation gives runs to strata that are large and undecided") {
    const auto given = neyman_allocation({{.70, .001}, {.20, .01}, {.08, .05}, {.02, .30}}, 10'000);
    REQUIRE(given.size() == 4);
    CHECK(std::accumulate(given.begin(), given.end(), std::uint64_t{0}) == 10'000);
    const std::uint64_t expected[] = {3224, 2900, 2541, 1336};
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(std::abs(static_cast<int>(given[i]) - static_cast<int>(expected[i])) <= 1);
}

TEST_CASE("Neyman allocation shares by weight when nothing is undecided") {
    CHECK(neyman_allocation({{3, 0}, {1, 1}}, 10) == std::vector<std::uint64_t>{8, 2});
    CHECK(neyman_allocation({{0, 0.5}}, 10) == std::vector<std::uint64_t>{0});
    CHECK(neyman_allocation({}, 10).empty());
}
