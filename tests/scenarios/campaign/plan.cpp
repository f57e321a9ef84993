#include "scenarios/campaign/plan.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/campaign/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

const std::string two_variants = "[variants.a]\n[variants.b]\n\"machine.behaviour\" = \"hardened\"\n";
const std::string torn = "[strata.torn]\nkind = \"disk.torn\"\ntarget = \"v1.disk\"\n";

std::vector<planned_run> runs_of(const planner& plan) {
    std::vector<planned_run> runs;
    plan.for_each_run([&](const planned_run& run) { runs.push_back(run); });
    return runs;
}

std::string refusal_of(const std::string& text, execution_if* engine) {
    const campaign_directory folder(text);
    try {
        const auto what = folder.read();
        const planner plan(what, engine, check_test_fault);
        return "";
    } catch (const user_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("runs are numbered from one and go variant by variant and null runs first") {
    const campaign_directory folder("seeds = [5]\nnull = 2\n" + two_variants + torn + "nth = [1, 4]\n");
    const auto what = folder.read();
    const planner plan(what, nullptr, check_test_fault);
    REQUIRE(plan.plan().worlds.size() == 6);  // seeds 5, 1, 2
    CHECK(plan.plan().worlds[1].variant == "b");
    CHECK(plan.plan().worlds[1].overrides.size() == 1);
    CHECK(plan.plan().runs == 8);
    const auto runs = runs_of(plan);
    REQUIRE(runs.size() == 8);
    for (std::size_t i = 0; i < runs.size(); ++i)
        CHECK(runs[i].id == i + 1);
    CHECK(plan.plan().worlds[runs[0].world].seed == 1);
    CHECK(runs[0].stratum == "null");
    CHECK(runs[0].faults.empty());
    CHECK(runs[4].world == 0);
    CHECK(runs[5].world == 1);
    CHECK(runs[5].faults[0].when.nth == 1);
    CHECK(runs[6].faults[0].when.nth == 4);
    CHECK(runs[6].faults[0].when.on == "v1.disk");  // complete
}

TEST_CASE("crossings are counted in each variant and all variants meet the same faults") {
    const campaign_directory folder("seeds = [1, 2]\n" + two_variants + torn + "nth = \"all\"\n");
    const auto what = folder.read();
    fake_engine engine;
    engine.crossings = {{2, 10}};
    const planner plan(what, &engine, check_test_fault);
    CHECK(engine.rehearsals == 4);
    CHECK(plan.plan().strata.at(0).population == 4 + 11);  // variant b sees one more
    CHECK(plan.plan().strata.at(0).drawn == 15);
    const auto runs = runs_of(plan);
    REQUIRE(runs.size() == 30);
    for (std::size_t i = 0; i < runs.size(); i += 2)
        CHECK(write_faults(runs[i].faults) == write_faults(runs[i + 1].faults));
}

TEST_CASE("a sample is drawn from all seeds and stays the same") {
    const std::string text = "seeds = 50\nseed = 3\n" + torn +
                             "with = { keep = { from = 0, to = 511 } }\nnth = \"all\"\nsample = { n = 40 }\n";
    const campaign_directory folder(text);
    const auto what = folder.read();
    fake_engine engine;
    const planner plan(what, &engine, check_test_fault);
    CHECK(plan.plan().strata.at(0).population == 50 * 3 * 512);
    CHECK(plan.plan().strata.at(0).weight == 50 * 3 * 512);
    const auto runs = runs_of(plan), again = runs_of(planner(what, &engine, check_test_fault));
    REQUIRE(runs.size() == 40);
    std::set<std::size_t> worlds;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        worlds.insert(runs[i].world);
        CHECK(write_faults(runs[i].faults) == write_faults(again[i].faults));
    }
    CHECK(worlds.size() > 20);
}

TEST_CASE("noise falls on a share of the points and on all variants alike") {
    const campaign_directory folder(two_variants + torn + "with = { keep = { from = 0, to = 399 } }\n" +
                                    "[noise.n]\nkind = \"disk.torn\"\ntarget = \"admin.disk\"\nshare = 0.25\n"
                                    "nth = { from = 1, to = 1000 }\n");
    const auto what = folder.read();
    const auto runs = runs_of(planner(what, nullptr, check_test_fault));
    REQUIRE(runs.size() == 800);
    std::size_t noisy = 0;
    std::set<std::uint64_t> when;
    for (std::size_t i = 0; i < runs.size(); i += 2) {
        CHECK(write_faults(runs[i].faults) == write_faults(runs[i + 1].faults));
        if (runs[i].faults.size() == 2) {
            ++noisy;
            when.insert(runs[i].faults[1].when.nth);
        }
    }
    // 100 expected, standard deviation 8.7
    CHECK(noisy > 60);
    CHECK(noisy < 140);
    CHECK(when.size() > 50);
}

TEST_CASE("what cannot be planned is refused with its reason") {
    fake_engine engine;
    CHECK(refusal_of(torn + "nth = \"all\"\n", nullptr).find("needs a run without faults") !=
          std::string::npos);
    CHECK(refusal_of(torn + "nth = \"all\"\n", &engine) == "");
    CHECK(refusal_of(torn + "nth = { from = 1, to = 20000000 }\n", &engine)
              .find("strata.torn: 20000000 runs, more than 10000000 in all") != std::string::npos);
    CHECK(
        refusal_of(torn + "nth = \"all\"\nat = { from = \"0 s\", to = \"1 s\", step = \"1 us\" }\n", &engine)
            .find("cannot all be counted") != std::string::npos);
    engine.sound = outcome_class::hang;
    CHECK(refusal_of(torn + "nth = \"all\"\n", &engine).find("is not sound: O5 hang: as told") !=
          std::string::npos);
}
