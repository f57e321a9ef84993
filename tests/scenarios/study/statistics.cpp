#include "scenarios/study/statistics.h"

#include <catch2/catch.hpp>

using namespace vtwin::scenario::study;

TEST_CASE("an interval of confidence is Student's") {
    // mean 3, standard deviation sqrt(2.5), t(4) = 2.776: 2.776 * sqrt(2.5 / 5) = 1.96293
    const estimate got = estimate_of({1, 2, 3, 4, 5});
    CHECK(got.count == 5);
    CHECK(got.mean == 3);
    CHECK(got.half_width == Approx(1.96293).epsilon(1e-5));
}

TEST_CASE("one sample says nothing about its spread and none says nothing at all") {
    CHECK(estimate_of({7}).half_width == 0);
    CHECK(estimate_of({7}).mean == 7);
    CHECK(estimate_of({}).count == 0);
}

TEST_CASE("the quantiles of Student's t fall with the degrees of freedom") {
    CHECK(student_t_95(1) == 12.706);
    CHECK(student_t_95(30) == 2.042);
    double last = 13;
    for (std::size_t freedom = 1; freedom < 200; ++freedom) {
        CHECK(student_t_95(freedom) <= last);
        last = student_t_95(freedom);
    }
    CHECK(last > 1.96);
}
