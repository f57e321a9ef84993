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

TEST_CASE("a report shows figures and differences and says which runs have none") {
    auto what = two_settings();
    what.formulas = {{formula::kind::sum, {}}};
    std::vector<stored_point> points = {point(0, 1,
                                              {{"latency.mean_ns", 5e6},
                                               {"utilisation.chip", 0.5},
                                               {"path.operations", 100},
                                               {"path.inexact", 0},
                                               {"path.largest_difference_ns", 0},
                                               {"path.service.mean_ns", 4e6},
                                               {"path.ring.mean_ns", 1e6},
                                               {"path.latency.mean_ns", 5e6}}),
                                        point(1, 1, {{"latency.mean_ns", 7e6}, {"utilisation.chip", 0.75}}),
                                        point(1, 2, {}, "the time limit was reached first")};
    points[0].quantiles = {1e6, 5e6, 9e6};
    const std::string text = report::render_text(report_data(what, points));
    CHECK(text.find("a study") != std::string::npos);
    CHECK(text.find("For all 100 operations the parts follow each other") != std::string::npos);
    CHECK(text.find("latency.mean") != std::string::npos);
    CHECK(text.find("1, 1 failed") != std::string::npos);
    CHECK(text.find("the time limit was reached first") != std::string::npos);
    CHECK(text.find("guests=2") != std::string::npos);
    CHECK(text == report::render_text(report_data(what, points)));
}
