#include "scenarios/campaign/campaign_page.h"

#include <catch2/catch.hpp>

using namespace vtwin::scenario;

namespace {

std::vector<std::string> titles(const report::page& what) {
    std::vector<std::string> made;
    for (const report::section& each : what.sections)
        made.push_back(each.title);
    return made;
}

campaign_view small_campaign() {
    campaign_view made{"disks", "what torn writes do", {"plan 3f1b"}, 30, 30, {}, {}, "", {}, {}, {}, {}};
    made.kinds = {{"faithful", "disk.torn_write", {1, 2, 3, 4, 0, 0, 5, 0, 0}},
                  {"hardened", "disk.torn_write", {1, 5, 3, 6, 0, 0, 0, 0, 0}},
                  {"faithful", "disk.bit_flip", {0, 1, 0, 0, 0, 0, 0, 2, 0}}};
    return made;
}

}  // namespace

TEST_CASE("A campaign report has a matrix of outcomes for each variant") {
    const report::page made = campaign_page(small_campaign());
    CHECK(made.title == "Campaign disks");
    CHECK(made.subtitle == std::vector<std::string>{"what torn writes do", "30 runs", "plan 3f1b"});
    REQUIRE(titles(made) == std::vector<std::string>{"Outcomes"});
    REQUIRE(made.sections[0].blocks.size() == 3);
    const auto& faithful = std::get<report::heat_map>(made.sections[0].blocks[1]);
    CHECK(faithful.caption == "Runs by kind of fault and outcome: faithful");
    CHECK(faithful.rows == std::vector<std::string>{"disk.torn_write", "disk.bit_flip"});
    CHECK(faithful.counts[1] == std::vector<std::uint64_t>{0, 1, 0, 0, 0, 0, 0, 2, 0});
    CHECK(faithful.columns.size() == outcome_classes);
    CHECK(faithful.columns[6] == "O6 silent corruption");
    CHECK(faithful.column_meanings[6] == report::severity::bad);
    const auto& hardened = std::get<report::heat_map>(made.sections[0].blocks[2]);
    CHECK(hardened.rows == std::vector<std::string>{"disk.torn_write"});
}

TEST_CASE("A campaign report says when runs are missing") {
    campaign_view half = small_campaign();
    half.finished = 12;
    CHECK(campaign_page(half).subtitle[1] == "12 of 30 runs; not complete");
}

TEST_CASE("A campaign report gives the command that runs a finding again") {
    campaign_view what = small_campaign();
    what.findings = {{outcome_class::security_violation, "I-A3", "faithful", "disk.bit_flip at 3", "key read",
                      2, "vtwin campaign replay disks.sqlite 29"},
                     {outcome_class::hang, "", "faithful", "disk.lost", "", 1, ""}};
    const report::page made = campaign_page(what);
    REQUIRE(titles(made) == std::vector<std::string>{"Outcomes", "Worst findings"});
    REQUIRE(made.sections[1].blocks.size() == 2);
    const auto& found = std::get<report::table>(made.sections[1].blocks[0]);
    CHECK(found.rows[0][0].text == "O7 security violation");
    CHECK(found.rows[0][0].meaning == report::severity::bad);
    CHECK(found.rows[1][0].meaning == report::severity::warning);
    const auto& command = std::get<report::code_line>(made.sections[1].blocks[1]);
    CHECK(command.label == "O7 I-A3, disk.bit_flip at 3");
    CHECK(command.command == "vtwin campaign replay disks.sqlite 29");
}

TEST_CASE("Ratios in a campaign report are percentages coloured by what was allowed") {
    campaign_view what = small_campaign();
    what.ratio_title = "Silent corruption or worse";
    what.ratios = {{"a", 0, 200, 0, 0, 0.0188, true},
                   {"b", 2, 200, 0.01, 0.0012, 0.0357, true},
                   {"c", 2, 200, 0.01, 0.0012, 0.0357, false}};
    what.comparisons = {{"faithful", "hardened", 100, 7, 0, "0.0156"}};
    what.delays = {{"disk.torn_write", {0.5, 0.25}}};
    const report::page made = campaign_page(what);
    REQUIRE(titles(made) ==
            std::vector<std::string>{"Outcomes", "Ratios", "Variants under the same faults", "Delays"});
    const auto& plot = std::get<report::interval_plot>(made.sections[1].blocks[0]);
    CHECK(plot.intervals[0].meaning == report::severity::good);
    CHECK(plot.intervals[1].meaning == report::severity::warning);
    CHECK(plot.intervals[2].meaning == report::severity::bad);
    CHECK(plot.intervals[0].high == Approx(1.88));
    CHECK(plot.intervals[0].note == "0 of 200");
    const auto& delays = std::get<report::line_chart>(made.sections[3].blocks[0]);
    CHECK(delays.curves[0].name == "disk.torn_write (2)");
    CHECK(delays.curves[0].points.back().x == 0.5);
}
