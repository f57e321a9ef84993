#include "scenarios/statistics/paired.h"

#include <catch2/catch.hpp>

using namespace vtwin::scenario;

TEST_CASE("the paired test agrees with published examples") {
    // Fagerland, Lydersen, Laake 2013: 1 and 7 discordant pairs; 6 and 16.
    CHECK(mcnemar({1, 1, 7, 12}).exact == Approx(0.0703125));
    CHECK(mcnemar({1, 1, 7, 12}).mid_p == Approx(0.0390625));
    CHECK(mcnemar({59, 6, 16, 80}).exact == Approx(0.0525).epsilon(0.001));
    CHECK(mcnemar({59, 6, 16, 80}).mid_p == Approx(0.0347).epsilon(0.002));
    CHECK(mcnemar({59, 16, 6, 80}).exact == mcnemar({59, 6, 16, 80}).exact);
}

TEST_CASE("the paired test says nothing when no pair differs or both sides are even") {
    CHECK(mcnemar({100, 0, 0, 5}).exact == 1);
    CHECK(mcnemar({100, 0, 0, 5}).mid_p == 1);
    CHECK(mcnemar({0, 2, 2, 0}).exact == 1);
    CHECK(mcnemar({0, 2, 2, 0}).mid_p == Approx(1 - 0.375 / 2));
    CHECK(mcnemar({0, 1, 0, 0}).exact == 1);
    CHECK(mcnemar({0, 1, 0, 0}).mid_p == 0.5);
    CHECK(mcnemar({0, 10, 0, 0}).exact == Approx(2.0 / 1024));
}
