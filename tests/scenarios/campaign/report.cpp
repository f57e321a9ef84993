#include "scenarios/campaign/report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "scenarios/campaign/coordinator.h"
#include "tests/scenarios/campaign/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;
using mode = campaign_store::access;

namespace {

const std::string four_points = R"(allowed = ["O0", "O1", "O3"]
[variants.a]
[variants.b]
[strata.torn]
kind = "disk.torn"
target = "v1.disk"
nth = [1, 2, 3, 4]
)";

/// Says for each crossing and variant what it comes to.
class told_engine : public fake_engine {
  public:
    explicit told_engine(std::map<std::string, std::vector<outcome_class>> told) : m_told(std::move(told)) {}
    void run(const std::vector<world>& worlds, const std::vector<planned_run>& planned, unsigned,
             const result_sink& sink) override {
        for (const auto& each : planned) {
            const auto& where = worlds.at(each.world);
            auto made = result_of(where, each);
            made.result.worst = m_told.at(where.variant).at(each.faults.at(0).when.nth - 1);
            made.result.violations.clear();
            sink(made);
        }
    }

  private:
    std::map<std::string, std::vector<outcome_class>> m_told;
};

using enum outcome_class;

void run(const campaign_directory& folder, const std::string& name, execution_if& engine) {
    std::ostringstream out;
    make_store(folder.read(), folder.store(name), {}, nullptr, false, check_test_fault);
    campaign_store store(folder.store(name), mode::write);
    run_pending(store, engine, {}, out, false);
}

}  // namespace

TEST_CASE("a summary counts classes and pairs and what is not allowed") {
    const campaign_directory folder(four_points);
    told_engine engine({{"a", {hang, hang, not_activated, security_violation}},
                        {"b", {hang, masked, not_activated, detected_safe}}});
    run(folder, "store", engine);
    const auto summary = summarise(campaign_store(folder.store(), mode::read));
    REQUIRE(summary.by_stratum.size() == 2);
    CHECK(summary.by_stratum[0].counts.exercised() == 3);
    CHECK(summary.by_stratum[0].counts.harm() == 3);
    CHECK(summary.by_stratum[0].not_allowed == 3);
    CHECK(summary.by_stratum[1].counts.at(detected_safe) == 1);
    CHECK(summary.not_allowed == 4);
    REQUIRE(summary.comparisons.size() == 1);
    CHECK(summary.comparisons[0].counts.both == 1);
    CHECK(summary.comparisons[0].counts.only_first == 2);
    CHECK(summary.comparisons[0].counts.only_second == 0);
    CHECK(summary.comparisons[0].counts.neither == 1);
    CHECK(summary.comparisons[0].test.exact == 0.5);
    REQUIRE(summary.findings.size() == 3);
    CHECK(summary.findings[0].worst == security_violation);
    CHECK(summary.findings[1].runs == 2);
    CHECK(summary.findings[1].example == 1);
    CHECK(summary.estimates.at(0).all.ratio == Approx(0.75));
    CHECK(summary.estimates.at(0).all.variance == 0);  // run in full
}

TEST_CASE("a report names what was not exercised and bounds what never happened") {
    const campaign_directory folder(four_points);
    told_engine engine(
        {{"a", {hang, masked, not_activated, masked}}, {"b", {masked, masked, masked, masked}}});
    run(folder, "store", engine);
    const auto text = report_text(summarise(campaign_store(folder.store(), mode::read)));
    INFO(text);
    CHECK(text.find("torn, a: 3/4 exercised, 1 not") != std::string::npos);
    CHECK(text.find("O7 security violation     none  below 63.2 %") != std::string::npos);
    CHECK(text.find("a against b: harm in both 0, only a 1, only b 0, neither 3; McNemar p = 1") !=
          std::string::npos);
    CHECK(text.find("vtwin campaign replay " + folder.store().string() + " 1") != std::string::npos);
    CHECK(text.find("1 runs came to what the campaign does not allow") != std::string::npos);
}

TEST_CASE("runs without faults bound how often an oracle fires for nothing") {
    const campaign_directory folder("null = 30\n");
    class null_engine : public fake_engine {
      public:
        explicit null_engine(outcome_class last) : m_last(last) {}
        void run(const std::vector<world>& worlds, const std::vector<planned_run>& planned, unsigned,
                 const result_sink& sink) override {
            for (const auto& each : planned) {
                auto made = result_of(worlds.at(each.world), each);
                made.result.worst = each.id == 30 ? m_last : masked;
                made.result.violations.clear();
                sink(made);
            }
        }

      private:
        outcome_class m_last;
    };
    null_engine quiet(corrected), loud(silent_corruption);
    run(folder, "quiet", quiet);
    run(folder, "loud", loud);
    const auto text = report_text(summarise(campaign_store(folder.store("quiet"), mode::read)));
    INFO(text);
    CHECK(text.find("of the runs without faults, at 95 % confidence:\n  0 of 30 fired or did not repeat, the "
                    "true share is below 9.5 %\n") != std::string::npos);
    CHECK(text.find("whose fault began") == std::string::npos);
    CHECK(report_text(summarise(campaign_store(folder.store("loud"), mode::read)))
              .find("  1 of 30 fired or did not repeat\n") != std::string::npos);
}

TEST_CASE("report data says all that a page shows") {
    const campaign_directory folder(four_points);
    told_engine engine(
        {{"a", {hang, masked, not_activated, masked}}, {"b", {masked, masked, masked, masked}}});
    run(folder, "store", engine);
    const auto summary = summarise(campaign_store(folder.store(), mode::read));
    const auto data = report_data(summary);
    CHECK(data.at("campaign").at("name") == "campaign");
    CHECK(data.at("progress").at("finished") == 8);
    CHECK(data.at("progress").at("result_hash") == summary.result_hash);
    CHECK(data.at("classes").size() == outcome_classes);
    CHECK(data.at("by_kind").at(0).at("name") == "disk.torn");
    CHECK(data.at("by_kind").at(0).at("counts") == nlohmann::json({1, 2, 0, 0, 0, 1, 0, 0, 0}));
    CHECK(data.at("findings").at(0).at("class") == "O5");
    CHECK(data.at("bounds").size() == 5);
    CHECK(data.at("intervals").at(0).at("wilson").size() == 2);
    CHECK(data.at("comparisons").at(0).at("only_first") == 1);
}

TEST_CASE("two stores are compared run by run") {
    const campaign_directory folder(four_points);
    told_engine before({{"a", {hang, masked, masked, masked}}, {"b", {masked, masked, masked, masked}}}),
        after({{"a", {masked, masked, masked, masked}}, {"b", {masked, masked, masked, masked}}});
    run(folder, "before", before);
    run(folder, "same", before);
    run(folder, "after", after);
    const campaign_store first(folder.store("before"), mode::read);
    CHECK(compare(first, campaign_store(folder.store("same"), mode::read)).none());
    const auto found = compare(first, campaign_store(folder.store("after"), mode::read));
    CHECK(found.changed == 1);
    CHECK(found.text.find("O5 -> O1  run 1 -> 1, seed 1, a: disk.torn on v1.disk at crossing 1") == 0);
}

TEST_CASE("a replay says whether the run came to the same again") {
    const campaign_directory folder(four_points);
    told_engine engine({{"a", {hang, masked, masked, masked}}, {"b", {masked, masked, masked, masked}}}),
        other({{"a", {masked, masked, masked, masked}}, {"b", {masked, masked, masked, masked}}});
    run(folder, "store", engine);
    const campaign_store store(folder.store(), mode::read);
    CHECK(replay(store, 1, engine).same());
    CHECK_FALSE(replay(store, 1, other).same());
    CHECK_THROWS_AS(replay(store, 9, engine), user_error);
}

TEST_CASE("progress is one line on a terminal and a line every ten seconds elsewhere") {
    auto now = std::chrono::steady_clock::time_point();
    std::ostringstream out, terminal;
    {
        progress plain(out, false, 100, [&] { return now; });
        progress bar(terminal, true, 100, [&] { return now; });
        for (int i = 0; i < 100; ++i) {
            now += std::chrono::milliseconds(250);
            plain.one_more();
            bar.one_more();
        }
    }
    CHECK(out.str() ==
          "40/100 runs, 4.0/s, 15 s to go\n80/100 runs, 4.0/s, 5 s to go\n100/100 runs, 4.0/s\n");
    CHECK(terminal.str().find("\r\033[K[###") != std::string::npos);
    CHECK(terminal.str().ends_with("\r\033[K"));
    CHECK(terminal.str().find('\n') == std::string::npos);
}

TEST_CASE("progress that somebody else counts shows a note and says lines that stay") {
    auto now = std::chrono::steady_clock::time_point();
    std::ostringstream out, terminal;
    {
        progress plain(
            out, false, 40, [&] { return now; }, "points");
        progress bar(terminal, true, 40, [&] { return now; });
        now += std::chrono::seconds(5);
        plain.reach(10, "2 running");  // too early for a line
        bar.reach(10, "2 running");
        bar.say("task 3 failed");
        now += std::chrono::seconds(5);
        plain.reach(20, "1 running");
        plain.reach(40, "");
        plain.reach(40, "");  // said already
    }
    CHECK(out.str() == "20/40 points, 2.0/s, 10 s to go; 1 running\n40/40 points, 4.0/s\n");
    CHECK(terminal.str().find("10/40 runs, 2.0/s, 15 s to go; 2 running\r\033[Ktask 3 failed\n") !=
          std::string::npos);
}
