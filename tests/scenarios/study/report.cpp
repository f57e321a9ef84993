#include "scenarios/study/report.h"

#include <catch2/catch.hpp>

using namespace vtwin::scenario;
using namespace vtwin::scenario::study;

namespace {

stored_point point(std::size_t setting, std::uint64_t seed, metrics values, const std::string& problem = "") {
    stored_point made;
    made.setting = setting;
    made.seed = seed;
    made.values = std::move(values);
    made.problem = problem;
    return made;
}

study::study two_settings() {
    study::study made;
    made.title = "a study";
    made.sweeps.push_back({"guests", {"fleet.count"}, {{"1"}, {"2"}}, {"1", "2"}, {}});
    made.replications = 2;
    made.metrics = {"latency.mean_ns"};
    return made;
}

}  // namespace

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

TEST_CASE("theory is computed from the unloaded server and only where it holds") {
    const auto what = two_settings();
    const std::vector<stored_point> points = {point(0, 1,
                                                    {{"manager.service.mean_ns", 1e6},
                                                     {"latency.mean_ns", 4e6},
                                                     {"guests", 1},
                                                     {"throughput_per_s", 250},
                                                     {"manager.throughput_per_s", 250}}),
                                              point(1, 1,
                                                    {{"manager.service.mean_ns", 1.1e6},
                                                     {"latency.mean_ns", 8e6},
                                                     {"guests", 8},
                                                     {"throughput_per_s", 990},
                                                     {"manager.throughput_per_s", 500},
                                                     {"guest_wait.mean_ns", 1e5},
                                                     {"manager.wait.mean_ns", 4e5}})};
    const auto settings = by_setting(what, points);
    const auto alone = predict({formula::kind::saturation, {}}, settings[0], settings[0]);
    REQUIRE(alone);
    CHECK(alone->expected == Approx(250));
    const auto busy = predict({formula::kind::saturation, {}}, settings[1], settings[0]);
    REQUIRE(busy);
    CHECK(busy->expected == Approx(1000));
    CHECK(busy->deviation() == Approx(-0.01));
    const auto wait = predict({formula::kind::m_d_1, {}}, settings[1], settings[0]);
    REQUIRE(wait);
    CHECK(wait->expected == Approx(0.5e6));  // rho = 0.5: half a service time
    CHECK(wait->measured == Approx(5e5));
    CHECK_FALSE(predict({formula::kind::m_d_1, {"3"}}, settings[1], settings[0]));
}

TEST_CASE("a report shows figures and differences and says which runs have none") {
    auto what = two_settings();
    what.formulas = {{formula::kind::sum, {}}};
    std::vector<stored_point> points = {point(0, 1, {{"latency.mean_ns", 5e6}, {"utilisation.chip", 0.5}}),
                                        point(1, 1, {{"latency.mean_ns", 7e6}, {"utilisation.chip", 0.75}}),
                                        point(1, 2, {}, "the time limit was reached first")};
    points[0].quantiles = {1e6, 5e6, 9e6};
    const std::string text = report::render_text(report_data(what, points));
    CHECK(text.find("a study") != std::string::npos);
    CHECK(text.find("latency.mean") != std::string::npos);
    CHECK(text.find("1, 1 failed") != std::string::npos);
    CHECK(text.find("the time limit was reached first") != std::string::npos);
    CHECK(text.find("guests=2") != std::string::npos);
    CHECK(text == report::render_text(report_data(what, points)));
}
