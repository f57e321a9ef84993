#include "scenarios/report/page.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <limits>

#include "scenarios/schema/problem.h"
#include "tests/scenarios/report/sample_page.h"
#include "tests/scenarios/support.h"

using namespace vtwin::scenario::report;
using vtwin::scenario::test::content_of;
using vtwin::scenario::test::temporary_directory;

namespace {

std::vector<std::pair<double, double>> pairs(const series& curve) {
    std::vector<std::pair<double, double>> made;
    for (const point& each : curve.points)
        made.emplace_back(each.x, each.y);
    return made;
}

}  // namespace

TEST_CASE("A distribution rises from zero at the smallest value to one at the largest") {
    const double none = std::numeric_limits<double>::quiet_NaN();
    const series made = distribution("latency", {4, 1, none, 2, 2});
    CHECK(made.name == "latency");
    CHECK(made.style == line_style::steps);
    CHECK(pairs(made) ==
          std::vector<std::pair<double, double>>{{1, 0}, {1, 0.25}, {2, 0.5}, {2, 0.75}, {4, 1}});
    CHECK(distribution("none", {none}).points.empty());
    CHECK(pairs(distribution("one", {7})) == std::vector<std::pair<double, double>>{{7, 0}, {7, 1}});
}

TEST_CASE("A distribution of many values keeps both ends and true ranks") {
    std::vector<double> values;
    for (int value = 1000; value > 0; --value)
        values.push_back(value);
    const auto points = pairs(distribution("many", values, 11));
    REQUIRE(points.size() == 11);
    CHECK(points[0] == std::pair<double, double>(1, 0));
    CHECK(points[1] == std::pair<double, double>(1, 0.001));
    CHECK(points.back() == std::pair<double, double>(1000, 1));
    for (std::size_t index = 1; index < points.size(); ++index)
        CHECK(points[index].second == Approx(points[index].first / 1000));
}

TEST_CASE("A report file is written whole and its folder is made") {
    temporary_directory place;
    const auto file = place.path() / "deep" / "report.html";
    write_file(file, "first");
    write_file(file, "second");
    CHECK(content_of(file.string()) == "second");
    CHECK_FALSE(std::filesystem::exists(file.string() + ".tmp"));
}

TEST_CASE("A report that cannot be written is the user's mistake and leaves nothing behind") {
    temporary_directory place;
    CHECK_THROWS_AS(write_file(place.path() / "", "text"), vtwin::scenario::user_error);
    write_file(place.path() / "file", "text");
    CHECK_THROWS_AS(write_file(place.path() / "file" / "report.html", "text"), vtwin::scenario::user_error);
    std::filesystem::create_directories(place.path() / "taken" / "inside");
    CHECK_THROWS_AS(write_file(place.path() / "taken", "text"), vtwin::scenario::user_error);
    CHECK_FALSE(std::filesystem::exists(place.path() / "taken.tmp"));
}

TEST_CASE("what is no regular file is written to and not replaced") {
    const temporary_directory place;
    const auto pipe = place.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
    write_file(pipe, "text");
    std::array<char, 8> got{};
    CHECK(::read(reader, got.data(), got.size()) == 4);
    ::close(reader);
    CHECK(std::filesystem::is_fifo(pipe));
}
