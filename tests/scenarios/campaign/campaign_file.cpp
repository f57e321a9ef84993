#include "scenarios/campaign/campaign_file.h"

#include <catch2/catch.hpp>

#include "scenarios/campaign/keys.h"
#include "tests/scenarios/campaign/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

TEST_CASE("a campaign file says what is run and what may come of it") {
    const campaign_directory folder(R"(description = "torn writes"
seeds = 3
null = 2
seed = 9
allowed = ["O0", "O1", "O3"]
[limits]
cpu = "1500 ms"
memory = "1 GiB"
simulated = "20 s"
[variants.second]
"machine.behaviour" = "hardened"
allowed = ["O1"]
[variants.first]
[strata.torn]
kind = "disk.torn"
target = ["v1.disk", "admin.disk"]
with = { keep = { from = 0, to = 511 } }
where = { operation = "write" }
nth = "all"
sample = { margin = 0.1, confidence = 0.99 }
weight = 2
[strata.kill]
kind = "domain.kill"
target = "v1"
at = { from = "0 s", to = "2 s", step = "10 ms" }
duration = "1 s"
allowed = "O4"
[noise.slow]
kind = "disk.torn"
target = "v1.disk"
share = 0.25
)");
    const auto what = folder.read();
    CHECK(what.name == "campaign");
    CHECK(what.seeds == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(what.seed == 9);
    CHECK(what.limits.cpu_seconds == 2);
    CHECK(what.limits.memory == 1ULL << 30);
    REQUIRE(what.variants.size() == 2);
    CHECK(what.variants[0].name == "second");  // as written, not by name
    REQUIRE(what.scenarios.size() == 2);
    CHECK(what.scenarios[1].config.time_limit == sc_core::sc_time(20, sc_core::SC_SEC));
    REQUIRE(what.strata.size() == 2);
    CHECK(what.strata[0].faults[0].every_crossing);
    CHECK(what.strata[0].faults[0].with[0].second.size() == 512);
    CHECK(what.strata[0].sample.size(1'000'000) == 166);
    CHECK(what.strata[1].faults[0].at.size() == 201);
    CHECK(what.strata[1].faults[0].at.at(200) == "2 s");
    CHECK(what.strata[1].faults[0].count == 0);
    CHECK(what.noise.at(0).per_million == 250'000);
    // The stratum's word counts before the variant's, that before the campaign's.
    CHECK(what.allowed_for(0, &what.strata[1]).text() == "O4");
    CHECK(what.allowed_for(0, &what.strata[0]).text() == "O1");
    CHECK(what.allowed_for(1, &what.strata[0]).text() == "O0 O1 O3");
    CHECK(what.allowed_for(1, nullptr).text() == "O0 O1 O2");
}

TEST_CASE("without a word all outcomes but a failure of the twin are allowed") {
    const campaign_directory folder("null = 1\n");
    const auto what = folder.read();
    CHECK(what.seeds == std::vector<std::uint64_t>{1});
    CHECK(what.variants.size() == 1);
    CHECK(what.allowed_for(0, nullptr).text() == "O0 O1 O2");
    campaign_stratum some;
    CHECK(what.allowed_for(0, &some).text() == "O0 O1 O2 O3 O4 O5 O6 O7");
}

TEST_CASE("crash points are all writes and flushes of a disk") {
    const campaign_directory folder(R"([strata.kill]
kind = "domain.kill"
target = "v1"
on = "v1.disk"
sample = "every crash point"
)");
    const auto what = folder.read();
    CHECK(what.strata[0].faults[0].every_crossing);
    CHECK(what.strata[0].faults[0].where.at(0).first == "operation");
    CHECK(what.strata[0].faults[0].where.at(0).second.at(0) == "write|flush");
    CHECK(campaign_mistake(
              "[strata.kill]\nkind = \"domain.kill\"\ntarget = \"v1\"\nsample = \"every crash point\"\n") ==
          "campaign.toml:5: strata.kill.sample: \"every crash point\" needs 'on': the disk whose writes are "
          "counted");
}

TEST_CASE("mistakes in a campaign file are named with line and key and nearest name") {
    const std::string torn = "[strata.torn]\nkind = \"disk.torn\"\ntarget = \"v1.disk\"\n";
    CHECK(campaign_mistake(torn) == "");
    CHECK(campaign_mistake("") ==
          "campaign.toml: nothing to run: a campaign has [strata.<name>] tables, or null = so many runs");
    CHECK(campaign_mistake("sede = 3\n" + torn) ==
          "campaign.toml:2: sede: unknown key; did you mean 'seed'?");
    CHECK(campaign_mistake(torn + "nht = 3\n") ==
          "campaign.toml:5: strata.torn.nht: unknown key; did you mean 'nth'?");
    CHECK(campaign_mistake(torn + "with = { keep = 512 }\n") ==
          "campaign.toml:2: strata.torn.with.keep: '512' is too much");
    CHECK(campaign_mistake(torn + "with = { keep = { from = 500, to = 512 } }\n") ==
          "campaign.toml:2: strata.torn.with.keep: '512' is too much");
    CHECK(campaign_mistake("[strata.torn]\nkind = \"disk.torn\"\n") ==
          "campaign.toml:2: strata.torn.target: missing");
    CHECK(campaign_mistake("allowed = [\"O9\"]\nnull = 1\n") ==
          "campaign.toml:2: allowed: 'O9' is no outcome class; they are O0, O1, O2, O3, O4, O5, O6, O7, O8");
    CHECK(campaign_mistake(torn + "sample = \"exhaustiv\"\n").find("did you mean 'exhaustive'?") !=
          std::string::npos);
    CHECK(campaign_mistake(torn + "nth = 0\n") ==
          "campaign.toml:5: strata.torn.nth: expected a number from 1, got \"0\"");
    CHECK(campaign_mistake(torn + "at = 5\n") ==
          "campaign.toml:5: strata.torn.at: expected a time such as \"5 ms\", got \"5\"");
    CHECK(campaign_mistake(torn + "at = { from = \"2 s\", to = \"1 s\", step = \"1 s\" }\n") ==
          "campaign.toml:5: strata.torn.at: nothing lies in this range");
    CHECK(campaign_mistake(torn + "at = { from = \"0 s\", to = \"1 s\" }\n").find("needs a step") !=
          std::string::npos);
    CHECK(campaign_mistake(torn + "probability = 1.5\n") ==
          "campaign.toml:5: strata.torn.probability: expected a number above 0 and at most 1");
    CHECK(campaign_mistake("seeds = [1, 1]\nnull = 1\n").find("campaign.toml:2: seeds: expected") == 0);
    CHECK(campaign_mistake(
              "[variants.x]\nseed = 3\n[strata.torn]\nkind = \"disk.torn\"\ntarget = \"v1.disk\"\n") ==
          "campaign.toml:3: variants.x.seed: seeds are the campaign's: 'seeds'");
    CHECK(campaign_mistake("[strata.null]\nkind = \"disk.torn\"\ntarget = \"v1.disk\"\n")
              .find("choose another") != std::string::npos);
    CHECK(campaign_mistake("null = \n").find("campaign.toml:2: not valid TOML") == 0);
}

TEST_CASE("a mistake in a variant's setting names the variant") {
    const auto mistake = campaign_mistake("null = 1\n[variants.x]\n\"machine.behavior\" = \"hardened\"\n");
    CHECK(mistake.find("campaign.toml: variants.x") != std::string::npos);
    CHECK(mistake.find("did you mean 'machine.behaviour'?") != std::string::npos);
}

TEST_CASE("every key of a campaign file is declared once") {
    std::set<std::string> seen;
    for (const auto& key : campaign_keys()) {
        INFO(key.pattern);
        CHECK(seen.insert(key.pattern).second);
        CHECK_FALSE(key.doc.empty());
    }
    CHECK(is_declared("strata.<name>.kind"));
    CHECK(is_declared("strata.<name>.where.operation"));
    CHECK(is_declared("strata"));
    CHECK_FALSE(is_declared("strata.<name>.colour"));
    CHECK_FALSE(is_declared("colour"));
}
