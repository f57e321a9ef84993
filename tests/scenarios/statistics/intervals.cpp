#include "scenarios/statistics/intervals.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "scenarios/statistics/print.h"

using namespace vtwin::scenario;

namespace {

/// P(at most `hits` of `runs`) when each is a hit with probability p, summed term by term.
double tail(std::uint64_t hits, std::uint64_t runs, double p) {
    double term = std::pow(1 - p, static_cast<double>(runs)), sum = term;
    for (std::uint64_t k = 1; k <= hits; ++k) {
        term *= static_cast<double>(runs - k + 1) / static_cast<double>(k) * p / (1 - p);
        sum += term;
    }
    return sum;
}

}  // namespace

TEST_CASE("intervals for a ratio agree with published values") {
    struct row {
        std::uint64_t hits, runs;
        double wilson_low, wilson_high, exact_low, exact_high, one_sided;
    };
    for (const row& each :
         {row{0, 385, 0, 9.88e-3, 0, 9.54e-3, 7.75e-3}, row{0, 3000, 0, 1.28e-3, 0, 1.23e-3, 9.98e-4},
          row{1, 3000, 5.9e-5, 1.89e-3, 8.4e-6, 1.86e-3, 1.58e-3},
          row{0, 9604, 0, 4.00e-4, 0, 3.84e-4, 3.12e-4},
          row{3, 10'000, 1.02e-4, 8.82e-4, 6.2e-5, 8.77e-4, 7.75e-4},
          row{100, 10'000, 8.23e-3, 1.215e-2, 8.14e-3, 1.215e-2, 1.18e-2}}) {
        INFO(each.hits << " of " << each.runs);
        const auto score = wilson(each.hits, each.runs, 0.95),
                   exact = clopper_pearson(each.hits, each.runs, 0.95);
        CHECK(score.low == Approx(each.wilson_low).epsilon(0.007));
        CHECK(score.high == Approx(each.wilson_high).epsilon(0.007));
        CHECK(exact.low == Approx(each.exact_low).epsilon(0.007));
        CHECK(exact.high == Approx(each.exact_high).epsilon(0.007));
        CHECK(upper_bound(each.hits, each.runs, 0.95) == Approx(each.one_sided).epsilon(0.007));
    }
    CHECK(wilson(950, 1000, 0.95).low == Approx(0.9347).epsilon(1e-4));
    CHECK(wilson(950, 1000, 0.95).high == Approx(0.9619).epsilon(1e-4));
    CHECK(clopper_pearson(950, 1000, 0.95).low == Approx(0.9346).epsilon(1e-4));
    CHECK(clopper_pearson(950, 1000, 0.95).high == Approx(0.9627).epsilon(1e-4));
}

TEST_CASE("an exact bound is where the tail of the binomial distribution ends") {
    for (const std::uint64_t hits : {1U, 4U, 17U}) {
        const double high = upper_bound(hits, 40, 0.975), low = lower_bound(hits, 40, 0.975);
        CHECK(tail(hits, 40, high) == Approx(0.025));
        CHECK(1 - tail(hits - 1, 40, low) == Approx(0.025));
    }
}

TEST_CASE("intervals at the ends of the scale") {
    for (auto method : {wilson, clopper_pearson}) {
        CHECK(method(0, 0, 0.95).low == 0);
        CHECK(method(0, 0, 0.95).high == 1);
        CHECK(method(0, 10, 0.95).low == 0);
        CHECK(method(10, 10, 0.95).high == 1);
        CHECK(method(10, 10, 0.95).low == Approx(1 - method(0, 10, 0.95).high));
        CHECK(method(5, 10, 0.99).low < method(5, 10, 0.95).low);
    }
    CHECK(upper_bound(0, 0, 0.95) == 1);
    CHECK(lower_bound(0, 0, 0.95) == 0);
}

TEST_CASE("ratios are printed with three digits that say what they are") {
    CHECK(print_percent(0) == "0 %");
    CHECK(print_percent(1) == "100 %");
    CHECK(print_percent(0.123456) == "12.3 %");
    CHECK(print_percent(0.5) == "50 %");
    CHECK(print_percent(0.000031249) == "0.00312 %");
    CHECK(print_percent(0.1) == "10 %");
    CHECK(print_percent(0.99999) == "> 99.9 %");
    CHECK(print_percent(0.9991) == "99.9 %");
    CHECK(print_interval({0.01, 0.0255}) == "1 % .. 2.55 %");
    CHECK(print_share(3, 385) == "3/385");
    CHECK(print_probability(0.0312345) == "0.0312");
    CHECK(print_probability(1) == "1");
    CHECK(print_probability(1.24e-7) == "1.2e-07");
}
