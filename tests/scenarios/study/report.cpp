#include "scenarios/study/report.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/study/two_settings.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::study;
using namespace vtwin::scenario::test;

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

namespace {

/// Captions of the charts in the last section.
std::vector<std::string> charts_of(const study::study& what, const std::vector<stored_point>& points) {
    std::vector<std::string> captions;
    const report::page page = report_data(what, points);
    for (const auto& block : page.sections.back().blocks) {
        if (const auto* lines = std::get_if<report::line_chart>(&block))
            captions.push_back(lines->caption);
        if (const auto* bars = std::get_if<report::stacked_bars>(&block))
            captions.push_back(bars->caption);
    }
    return captions;
}

}  // namespace

TEST_CASE("charts of many settings are drawn apart and those of few together") {
    auto what = two_settings();
    const metrics values = {{"latency.mean_ns", 5e6}, {"utilisation.bus", 0.1}, {"utilisation.chip", 0.5}};
    CHECK(charts_of(what, {point(0, 1, values), point(1, 1, values)}) ==
          std::vector<std::string>{"latency.mean", "utilisation",
                                   "Distribution of the latency, all replications together",
                                   "Where the time of an operation goes, mean"});

    what.sweeps[0].labels = {"1", "2", "3", "4", "5", "6"};
    what.sweeps[0].values.resize(6, {"1"});
    what.sweeps.push_back({"load", {"x"}, {{"a"}, {"b"}}, {"a", "b"}, {}});
    what.metrics.push_back("utilisation.chip");
    std::vector<stored_point> points;
    for (std::size_t i = 0; i < 12; ++i)
        points.push_back(point(i, 1, values));
    CHECK(charts_of(what, points) ==
          std::vector<std::string>{"latency.mean", "utilisation.chip", "utilisation",
                                   "Distribution of the latency, all replications together (load=a)",
                                   "Distribution of the latency, all replications together (load=b)",
                                   "Where the time of an operation goes, mean (load=a)",
                                   "Where the time of an operation goes, mean (load=b)"});
    for (stored_point& each : points)
        for (const char* part :
             {"utilisation.pcpu.0", "utilisation.pcpu.1", "utilisation.pcpu.2", "utilisation.pcpu.3"})
            each.values[part] = 0.2;
    CHECK(charts_of(what, points).at(2) == "utilisation.bus");
    CHECK(charts_of(what, points).at(6) == "utilisation.pcpu.3");
}
