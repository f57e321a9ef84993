#include <catch2/catch.hpp>

#include "scenarios/report/text.h"
#include "tests/scenarios/report/sample_page.h"

using namespace vtwin::scenario::report;

namespace {

std::string shown(block what, std::size_t width = 100) {
    const std::string text = render_text({"T", {}, {{"S", {std::move(what)}}}}, width);
    const std::string head = "T\n\nS\n═\n";
    REQUIRE(text.substr(0, head.size()) == head);
    return text.substr(head.size());
}

std::size_t widest_line(const std::string& text) {
    std::size_t widest = 0;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = text.find('\n', start);
        widest = std::max(widest, length_of(text.substr(start, end - start)));
        start = end + 1;
    }
    return widest;
}

}  // namespace

TEST_CASE("Tables in a terminal align numbers right and words left") {
    const table what{"Runs", {{"run", alignment::right}, {"class"}}, {{{"7"}, {"hang"}}, {{"1234"}}}};
    CHECK(shown(what) ==
          "Runs\n"
          " run  class\n"
          "───────────\n"
          "   7  hang\n"
          "1234\n");
}

TEST_CASE("Tables that are too wide lose the ends of words and never of numbers") {
    const table what{
        "", {{"name"}, {"count", alignment::right}}, {{{"a name of many characters"}, {"1234567890"}}}};
    CHECK(shown(what, 30) ==
          "name                     count\n"
          "──────────────────────────────\n"
          "a name of many ch…  1234567890\n");
}

TEST_CASE("Titles of wide tables take several lines") {
    const table what{
        "", {{"silent corruption", alignment::right}, {"none", alignment::right}}, {{{"1"}, {"2"}}}};
    CHECK(shown(what, 20) ==
          "    silent\n"
          "corruption  none\n"
          "────────────────\n"
          "         1     2\n");
}

TEST_CASE("Names cannot send control sequences to the terminal") {
    const table what{"\x1b[2J", {{"\x1b]0;x\x07"}}, {{{"\x1b[31mred\r"}}}};
    const std::string text = shown(what) +
                             shown(code_line{"\x1b",
                                             "a\x1b"
                                             "b"}) +
                             shown(paragraph{"\x1b[0m"});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
}

TEST_CASE("Intervals are drawn to scale in a terminal") {
    interval_plot what{"", {"ratio", ""}, {{"a", 0.5, 0, 1, "1 of 2"}, {"b", 0.1, 0.1, 0.1, ""}}, {}, ""};
    CHECK(shown(what) ==
          "   ratio  low  high\n"
          "────────────────────────────────────────────────────────────\n"
          "a    0.5    0     1  ├──────────────●──────────────┤  1 of 2\n"
          "b    0.1  0.1   0.1     ●\n");
}

TEST_CASE("Distributions are shown by their quantiles in a terminal") {
    std::vector<double> values;
    for (int value = 1; value <= 100; ++value)
        values.push_back(value);
    const line_chart what{
        "", {"latency", "ms"}, {"share", ""}, {distribution("all", values)}, {{"limit", 90}}};
    CHECK(shown(what) ==
          "latency  50 % [ms]  90 % [ms]  95 % [ms]  99 % [ms]  largest [ms]\n"
          "─────────────────────────────────────────────────────────────────\n"
          "all             50         90         95         99           100\n"
          "limit: latency [ms] = 90\n");
}

TEST_CASE("Curves with many points are thinned in a terminal and gaps stay empty") {
    series rising{"rising", {}}, short_one{"short", {{0, 5, 4, 6}}};
    for (int x = 0; x <= 1000; ++x)
        rising.points.push_back({double(x), double(2 * x)});
    const std::string text = shown(line_chart{"", {"x", ""}, {"y", ""}, {rising, short_one}, {}});
    CHECK(std::count(text.begin(), text.end(), '\n') == 22);
    CHECK(text.find("   0       0  5 (4 to 6)\n") != std::string::npos);
    CHECK(text.find("1000    2000\n") != std::string::npos);
}

TEST_CASE("Bars and histograms become tables with sums and lines") {
    CHECK(shown(stacked_bars{"", {"time", "ms"}, {"read"}, {{"ring", {0.5}}, {"chip", {4}}}}) ==
          "      ring [ms]  chip [ms]  sum [ms]\n"
          "────────────────────────────────────\n"
          "read        0.5          4       4.5\n");
    CHECK(shown(histogram{"", {"wait", "ms"}, {{0, 1, 4}, {1, 2, 1}}}) ==
          "from wait [ms]  to  count\n"
          "───────────────────────────────────────────────────────────────────\n"
          "             0   1      4  ████████████████████████████████████████\n"
          "             1   2      1  ██████████\n");
}

TEST_CASE("A whole report fits the terminal") {
    for (const std::size_t width : {100, 120, 200}) {
        CAPTURE(width);
        CHECK(widest_line(render_text(test::sample_page(), width)) <= width);
    }
}
