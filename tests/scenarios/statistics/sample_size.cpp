#include "scenarios/statistics/sample_size.h"

#include <array>
#include <catch2/catch.hpp>

using namespace vtwin::scenario;

// With all digits of the normal quantile; with six of them the largest sizes come out one smaller.
TEST_CASE("sample sizes agree with the published formula for populations of all sizes") {
    struct row {
        std::uint64_t population;
        std::array<std::uint64_t, 5> at_95, at_99;
        std::uint64_t at_998;
    };
    const double margins[] = {0.05, 0.02, 0.01, 0.005, 0.001};
    for (const row& each :
         {row{1000, {278, 707, 906, 975, 999}, {400, 806, 944, 986, 1000}, 960},
          row{10'000, {370, 1937, 4900, 7935, 9897}, {623, 2932, 6240, 8691, 9941}, 7049},
          row{100'000, {383, 2345, 8763, 27754, 90570}, {660, 3982, 14228, 39886, 94315}, 19273},
          row{1'000'000, {384, 2396, 9513, 36994, 489892}, {664, 4130, 16317, 62221, 623880}, 23318},
          row{1'000'000'000, {385, 2401, 9604, 38414, 959444}, {664, 4147, 16587, 66345, 1655978}, 23874}})
        for (std::size_t i = 0; i < 5; ++i) {
            INFO(each.population << " at " << margins[i]);
            CHECK(sample_size(each.population, margins[i], 0.95) == each.at_95[i]);
            CHECK(sample_size(each.population, margins[i], 0.99) == each.at_99[i]);
            CHECK(sample_size(each.population, 0.01, 0.998) == each.at_998);
        }
    CHECK(sample_size_of_infinite(0.05, 0.95) == 385);
    CHECK(sample_size_of_infinite(0.001, 0.95) == 960'365);
    CHECK(sample_size_of_infinite(0.001, 0.99) == 1'658'725);
}

TEST_CASE("a sample is never larger than its population and a prior makes it smaller") {
    CHECK(sample_size(0, 0.01, 0.95) == 0);
    CHECK(sample_size(1, 0.01, 0.95) == 1);
    CHECK(sample_size(7, 0.0001, 0.999) == 7);
    CHECK(sample_size_of_infinite(0.002, 0.95, 0.01) == 9508);
    CHECK(sample_size_of_infinite(0.0005, 0.95, 0.001) == 15351);
}

TEST_CASE("runs without a failure that a bound needs") {
    struct row {
        double bound;
        std::uint64_t at_95, at_99, at_999;
    };
    for (const row& each :
         {row{1e-2, 299, 459, 688}, row{1e-3, 2995, 4603, 6905}, row{1e-4, 29956, 46050, 69075},
          row{1e-5, 299572, 460515, 690773}, row{1e-6, 2995731, 4605168, 6907752}}) {
        INFO(each.bound);
        CHECK(zero_failure_runs(each.bound, 0.95) == each.at_95);
        CHECK(zero_failure_runs(each.bound, 0.99) == each.at_99);
        CHECK(zero_failure_runs(each.bound, 0.999) == each.at_999);
        CHECK(zero_failure_bound(each.at_95, 0.95) <= each.bound);
        CHECK(zero_failure_bound(each.at_95 - 1, 0.95) > each.bound);
    }
    CHECK(zero_failure_bound(0, 0.95) == 1);
}
