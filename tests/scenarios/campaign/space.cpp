#include "scenarios/campaign/space.h"

#include <catch2/catch.hpp>
#include <set>

#include "scenarios/campaign/drawing.h"
#include "scenarios/campaign/fault_json.h"

using namespace vtwin::scenario;

namespace {

fault_pattern small_pattern() {
    fault_pattern made;
    made.name = "strata.x";
    made.kind = "disk.torn";
    made.target = dimension(std::vector<std::string>{"a.disk", "b.disk"});
    made.nth = dimension(dimension::form::number, 1, 3, 1);
    made.with = {{"keep", dimension(dimension::form::number, 0, 30, 10)}};
    made.where = {{"operation", dimension(std::vector<std::string>{"write", "read"})}};
    return made;
}

}  // namespace

TEST_CASE("a fault space gives each of its points exactly once") {
    const auto pattern = small_pattern();
    const pattern_space space(pattern, {});
    REQUIRE(space.size() == 2 * 2 * 3 * 4);
    std::set<std::string> seen;
    for (std::uint64_t i = 0; i < space.size(); ++i)
        seen.insert(write_faults({space.at(i)}));
    CHECK(seen.size() == space.size());
}

TEST_CASE("crossings of each trigger make as many points") {
    auto pattern = small_pattern();
    pattern.every_crossing = true;
    const pattern_space space(pattern, {5, 0, 1, 2});
    REQUIRE(space.size() == 8 * 4);
    std::map<std::string, std::uint64_t> last;
    for (std::uint64_t i = 0; i < space.size(); ++i) {
        const auto made = space.at(i);
        auto& most = last[made.target + ' ' + made.when.where[0].pattern];
        most = std::max(most, made.when.nth);
    }
    CHECK(last ==
          std::map<std::string, std::uint64_t>{{"a.disk write", 5}, {"a.disk read", 1}, {"b.disk read", 2}});
    CHECK(pattern_space(pattern, {0, 0, 0, 0}).size() == 0);
}

TEST_CASE("a space of several faults and seeds has all combinations") {
    const auto pattern = small_pattern();
    auto other = pattern;
    other.nth = dimension(std::vector<std::string>{"7"});
    std::vector<std::vector<pattern_space>> seeds;
    seeds.push_back({pattern_space(pattern, {}), pattern_space(other, {})});
    seeds.push_back({pattern_space(other, {}), pattern_space(other, {})});
    const stratum_space space(std::move(seeds));
    REQUIRE(space.size() == 48 * 16 + 16 * 16);
    std::set<std::string> seen;
    std::uint64_t second = 0;
    for (std::uint64_t i = 0; i < space.size(); ++i) {
        const auto point = space.at(i);
        REQUIRE(point.faults.size() == 2);
        seen.insert(std::to_string(point.seed) + write_faults(point.faults));
        second += point.seed;
    }
    CHECK(seen.size() == space.size());
    CHECK(second == 256);
}

TEST_CASE("a space of a thousand million points is counted and not written out") {
    auto pattern = small_pattern();
    pattern.with[0].second = dimension(dimension::form::number, 0, 999'999'999, 1);
    const pattern_space space(pattern, {});
    CHECK(space.size() == 12'000'000'000);
    CHECK(space.at(11'999'999'999).parameters.at("keep") == "999999999");
    pattern.with.push_back({"mask", dimension(dimension::form::number, 0, 999'999'999, 1)});
    CHECK_THROWS_AS(pattern_space(pattern, {}), user_error);
}

TEST_CASE("times of a range are exact") {
    const dimension times(dimension::form::time, 0, 30'000'000'000'000, 10'000'000'000);
    CHECK(times.size() == 3001);
    CHECK(times.at(1) == "10 ms");
    CHECK(times.at(3000) == "30 s");
    CHECK(times.number_at(3000) == 30'000'000'000'000);
    CHECK(dimension(dimension::form::number, 1, 9, 5).size() == 2);
}

TEST_CASE("points are drawn without repetition and the same for the same seed") {
    const auto drawn = draw(1'000'000'000, 500, 7, "campaign.x");
    CHECK(drawn.size() == 500);
    CHECK(std::set<std::uint64_t>(drawn.begin(), drawn.end()).size() == 500);
    CHECK(std::ranges::is_sorted(drawn));
    CHECK(drawn.back() < 1'000'000'000);
    CHECK(drawn == draw(1'000'000'000, 500, 7, "campaign.x"));
    CHECK(drawn != draw(1'000'000'000, 500, 8, "campaign.x"));
    CHECK(drawn != draw(1'000'000'000, 500, 7, "campaign.y"));
    CHECK(draw(3, 3, 7, "x") == std::vector<std::uint64_t>{0, 1, 2});
    CHECK(draw(3, 9, 7, "x").size() == 3);
    CHECK(draw(0, 9, 7, "x").empty());
}

TEST_CASE("every point is drawn equally often") {
    std::vector<int> hits(10, 0);
    for (std::uint64_t seed = 0; seed < 2000; ++seed)
        for (const auto each : draw(10, 3, seed, "x"))
            ++hits[each];
    // 600 expected, standard deviation 20.5: five of those are never reached by chance.
    for (const int each : hits)
        CHECK(std::abs(each - 600) < 103);
}

TEST_CASE("faults survive their way through JSON") {
    auto pattern = small_pattern();
    pattern.duration = 5'000'000;
    pattern.at = dimension(std::vector<std::string>{"3 ms"});
    const auto made = pattern_space(pattern, {}).at(17);
    const auto text = write_faults({made, made});
    CHECK(write_faults(read_faults(text)) == text);
    CHECK(read_faults(text).at(1).when.duration == sc_core::sc_time(5, sc_core::SC_US));
    CHECK(read_faults(text).at(0).when.at == sc_core::sc_time(3, sc_core::SC_MS));
    CHECK(read_faults("[]").empty());
    CHECK_THROWS_AS(read_faults("[{}]"), user_error);
    CHECK_THROWS_AS(read_faults("x"), user_error);
}
