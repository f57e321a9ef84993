#include "scenarios/study/theory.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/study/two_settings.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::study;
using namespace vtwin::scenario::test;

TEST_CASE("settings are compared seed by seed") {
    const auto what = two_settings();
    const std::vector<stored_point> points = {point(0, 1, {{"x", 10}}), point(0, 2, {{"x", 30}}),
                                              point(1, 1, {{"x", 11}}), point(1, 2, {{"x", 31}}),
                                              point(1, 3, {{"x", 900}})};
    const auto settings = by_setting(what, points);
    const estimate apart = mean_of(settings[0], "x"), paired = difference(settings[1], settings[0], "x");
    CHECK(apart.half_width > 100);
    CHECK(paired.count == 2);
    CHECK(paired.mean == 1);
    CHECK(paired.half_width == 0);
}

namespace {

/// One guest that is served in 1 ms, and eight that ask 500 times a second together. The manager's other
/// requests make its mean service a tenth shorter.
std::vector<stored_point> light_and_busy() {
    return {point(0, 1,
                  {{"manager.chip_service.p50_ns", 1e6},
                   {"manager.service.mean_ns", 0.9e6},
                   {"latency.mean_ns", 4e6},
                   {"guests", 1},
                   {"throughput_per_s", 250},
                   {"arrivals_per_s", 250},
                   {"manager.wait.p50_ns", 2e4}}),
            point(1, 1,
                  {{"manager.chip_service.p50_ns", 1.1e6},
                   {"manager.service.mean_ns", 0.8e6},
                   {"latency.mean_ns", 8e6},
                   {"guests", 8},
                   {"throughput_per_s", 990},
                   {"arrivals_per_s", 500},
                   {"manager.throughput_per_s", 700},
                   {"guest_wait.mean_ns", 1e5},
                   {"manager.wait.mean_ns", 4e5}})};
}

}  // namespace

TEST_CASE("the service time of the formulas is the undisturbed median and no mean over other requests") {
    const auto what = two_settings();
    const auto points = light_and_busy();
    const auto settings = by_setting(what, points);
    CHECK(service_time(settings[0]) == 1e6);
    const auto alone = predict({formula::kind::saturation, {}}, settings[0], settings[0]);
    REQUIRE(alone);
    CHECK(alone->expected == Approx(250));
    const auto busy = predict({formula::kind::saturation, {}}, settings[1], settings[0]);
    REQUIRE(busy);
    CHECK(busy->expected == Approx(1000));
    CHECK(busy->deviation() == Approx(-0.01));
}

TEST_CASE("the mean wait follows from arrivals and service time seed by seed and not beyond saturation") {
    const auto what = two_settings();
    auto points = light_and_busy();
    auto settings = by_setting(what, points);
    const formula m_d_1{formula::kind::m_d_1, {}};
    const auto wait = predict(m_d_1, settings[1], settings[0]);
    REQUIRE(wait);
    CHECK(wait->expected == Approx(0.52e6));  // rho = 0.5: half a service time, and 20 us until noticed
    CHECK(wait->measured == Approx(5e5));
    REQUIRE(wait->differences.size() == 1);
    CHECK(wait->differences[0] == Approx(-2e4));
    CHECK_FALSE(predict({formula::kind::m_d_1, {"3"}}, settings[1], settings[0]));

    points[1].values["arrivals_per_s"] = 1000;
    CHECK_FALSE(predict(m_d_1, settings[1], settings[0]));
    points[1].values["arrivals_per_s"] = 999;
    CHECK(predict(m_d_1, settings[1], settings[0])->expected == Approx(499.52e6));
    points[0].values.erase("manager.chip_service.p50_ns");
    CHECK_FALSE(predict(m_d_1, settings[1], settings[0]));
}

TEST_CASE("a general server with a constant service time is a deterministic one") {
    CHECK(m_g_1_wait(0.5, 1, 1) == Approx(m_d_1_wait(0.5, 1)));
    CHECK(m_g_1_wait(0.8, 1, 1) == Approx(2));
    CHECK(m_g_1_wait(0.8, 1, 2) == Approx(4));  // exponential service: twice as long
    CHECK(m_d_1_wait(0, 5) == 0);
}

TEST_CASE("a formula for settings without figures shows nothing") {
    const auto what = two_settings();
    const auto points = light_and_busy();
    for (const auto kind : {formula::kind::saturation, formula::kind::m_d_1, formula::kind::sum}) {
        CHECK(compare_with_theory(what, by_setting(what, points), {kind, {"3"}}).empty());
        CHECK(compare_with_theory(what, by_setting(what, {}), {kind, {}}).empty());
        CHECK(compare_with_theory(what, {}, {kind, {}}).empty());
    }
    CHECK(compare_with_theory(what, by_setting(what, points), {formula::kind::saturation, {}}).size() == 2);
}

TEST_CASE("what the parts of operations do not explain is said") {
    const auto what = two_settings();
    auto points = light_and_busy();
    const formula sum{formula::kind::sum, {}};
    CHECK(compare_with_theory(what, by_setting(what, points), sum).empty());
    points[0].values.insert({{"path.operations", 10},
                             {"path.inexact", 2},
                             {"path.largest_difference_ns", 7},
                             {"path.service.mean_ns", 1e6},
                             {"path.latency.mean_ns", 4e6}});
    const auto blocks = compare_with_theory(what, by_setting(what, points), sum);
    REQUIRE(blocks.size() == 2);
    const auto& table = std::get<report::table>(blocks[0]);
    REQUIRE(table.rows.size() == 1);
    std::string row;
    for (const auto& cell : table.rows[0])
        row += cell.text + ' ';
    CHECK(row == "1 10 2 7 1 0 4 ");
    CHECK(std::get<report::paragraph>(blocks[1]).text.find(
              "For 2 of 10 operations they do not sum to the latency; the largest difference is 7 ns.") !=
          std::string::npos);
}
