#include "scenarios/cli/campaign_commands.h"

#include <catch2/catch.hpp>

#include "scenarios/campaign/campaign_file.h"
#include "tests/scenarios/campaign/support.h"
#include "tests/scenarios/cli/call.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

call_result call_campaign(std::vector<std::string> words, bool with_engine = true) {
    words.insert(words.begin(), "campaign");
    const execution_factory engine = [](const execution_setup&) { return std::make_unique<fake_engine>(); };
    return call_with(words, {}, with_engine ? engine : execution_factory());
}

const std::string two_null_runs =
    "null = 3\n[variants.a]\n[variants.b]\n\"machine.behaviour\" = \"hardened\"\n";

}  // namespace

TEST_CASE("a campaign is planned and run and looked at from the command line") {
    const campaign_directory folder(two_null_runs);
    const auto store = folder.store().string();
    CHECK(call_campaign({"plan", folder.campaign_file}).out ==
          "campaign campaign: 6 runs in 6 worlds (3 seeds, 2 variants)\n"
          "  null                     6 runs without faults\n");
    const auto first = call_campaign({"run", folder.campaign_file, "--out", store, "--limit", "4"});
    CHECK(first.code == 0);
    CHECK(first.out.find("4 of 6 runs finished; `vtwin campaign resume` goes on") != std::string::npos);
    CHECK(call_campaign({"status", store}).out.find("4 of 6 runs finished; ") != std::string::npos);
    CHECK(call_campaign({"resume", store}).out.find("6 of 6 finished") != std::string::npos);
    CHECK(call_campaign({"status", store}).out.find("6 of 6 runs finished\n") != std::string::npos);
    const auto page = folder.at("data.json");
    CHECK(call_campaign({"report", store, "--json", page}).code == 0);
    CHECK(content_of(page).find("\"finished\": 6") != std::string::npos);
    CHECK(call_campaign({"replay", store, "2"}).out.find("as stored") != std::string::npos);
    CHECK(call_campaign({"diff", store, store}).code == 0);
}

TEST_CASE("parts run from the command line and merge to the same result") {
    const campaign_directory folder(two_null_runs);
    std::vector<std::string> merge = {"merge", "--out", folder.store("all").string()};
    for (const std::string part : {"0", "1"}) {
        merge.push_back(folder.store(part).string());
        CHECK(call_campaign({"run", folder.campaign_file, "--shard", part + "/2", "--out", merge.back()})
                  .code == 0);
    }
    CHECK(call_campaign(merge).code == 0);
    CHECK(call_campaign({"run", folder.campaign_file, "--out", folder.store("whole").string()}).code == 0);
    const auto same = call_campaign({"diff", folder.store("all").string(), folder.store("whole").string()});
    CHECK(same.code == 0);
    CHECK(same.out == "0 runs changed, 0 only in the first, 0 only in the second\n");
}

TEST_CASE("mistakes in campaign commands end with exit code 2") {
    const campaign_directory folder(two_null_runs);
    CHECK(call_campaign({"run", folder.campaign_file, "--shard", "2/2"}).err.find("expected i/n") !=
          std::string::npos);
    CHECK(call_campaign({"run", folder.at("none.toml")}).code == 2);
    CHECK(call_campaign({"report", folder.campaign_file}).err.find("no campaign store") != std::string::npos);
    const auto store = folder.store().string();
    CHECK(call_campaign({"run", folder.campaign_file, "--out", store}).code == 0);
    const auto again = call_campaign({"run", folder.campaign_file, "--out", store});
    CHECK(again.code == 2);
    CHECK(again.err.find("--replace starts again") != std::string::npos);
    CHECK(call_campaign({"run", folder.campaign_file, "--out", store, "--replace"}).code == 0);
    folder.write("campaign.toml", content_of(folder.campaign_file) + "# changed\n");
    CHECK(call_campaign({"resume", store}).err.find("the campaign file has changed since") !=
          std::string::npos);
    CHECK(call_campaign({"replay", store, "77"}).code == 2);
}

TEST_CASE("options of Slurm need it and those of the local engine do not go with it") {
    const campaign_directory folder(two_null_runs);
    const auto store = folder.store().string();
    for (const std::vector<std::string>& words : {std::vector<std::string>{"--shards", "2"},
                                                  {"--partition", "x"},
                                                  {"--no-wait"},
                                                  {"--cancel-on-interrupt"},
                                                  {"--slurm-option=time=1"}}) {
        std::vector<std::string> all = {"run", folder.campaign_file, "--out", store};
        all.insert(all.end(), words.begin(), words.end());
        const auto got = call_campaign(all);
        CHECK(got.code == 2);
        CHECK(got.err.find("need --engine slurm") != std::string::npos);
    }
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"--shard", "0/2"}, {"--limit", "1"}, {"--no-snapshots"}}) {
        std::vector<std::string> all = {"run", folder.campaign_file, "--out", store, "--engine", "slurm"};
        all.insert(all.end(), words.begin(), words.end());
        CHECK(call_campaign(all).err.find("need --engine local") != std::string::npos);
    }
    CHECK(call_campaign({"run", folder.campaign_file, "--engine", "clouds"}).code == 2);
    CHECK(call_campaign({"run", folder.campaign_file, "--engine", "slurm", "--shards", "1001"}).code == 2);
    CHECK(call_campaign(
              {"run", folder.campaign_file, "--engine", "slurm", "--slurm-option=array=1", "--out", store})
              .err.find("'--array' is set by vtwin itself") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(store));
}

TEST_CASE("a campaign is not begun when there is no Slurm to run it") {
    const campaign_directory folder(two_null_runs);
    ::setenv("PATH", "/nowhere", 1);
    const auto store = folder.store().string();
    const auto got = call_campaign({"run", folder.campaign_file, "--out", store, "--engine", "slurm"});
    CHECK(got.code == 2);
    CHECK(got.err.find("sbatch cannot be started") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(store));
}

TEST_CASE("a merge that must be complete says which part is not") {
    const campaign_directory folder(two_null_runs);
    const auto part = folder.store("part").string(), all = folder.store("all").string();
    CHECK(
        call_campaign({"run", folder.campaign_file, "--shard", "1/2", "--out", part, "--limit", "1"}).code ==
        0);
    CHECK(call_campaign({"merge", "--complete", "--out", all, part})
              .err.find("part.sqlite: 1 of its 3 runs finished") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(all));
    CHECK(call_campaign({"merge", "--out", all, part}).code == 0);
}

TEST_CASE("without an engine campaigns are only planned and looked at") {
    const campaign_directory folder(two_null_runs);
    CHECK(call_campaign({"plan", folder.campaign_file}, false).code == 0);
    CHECK(call_campaign({"run", folder.campaign_file}, false).code == 2);
    CHECK(call_campaign({"keys"}, false).out.find("strata.<name>.kind  (string; required)") !=
          std::string::npos);
}

TEST_CASE("the campaigns of the library are sound") {
    for (const auto& each : list_campaigns()) {
        INFO(each.name);
        CHECK_FALSE(each.description.empty());
        const auto read = read_campaign(each.name);
        CHECK((read.null_runs == 0 ? read.strata.size() : read.null_runs) > 0);
        CHECK((each.name != "null" || read.strata.empty()));
    }
}

TEST_CASE("a campaign that starts again here removes the parts of before") {
    const campaign_directory folder(two_null_runs);
    const auto store = folder.store().string();
    CHECK(call_campaign({"run", folder.campaign_file, "--out", store}).code == 0);
    std::filesystem::create_directories(store + ".parts");
    std::ofstream(store + ".parts/part0.sqlite") << "of before";
    CHECK(call_campaign({"run", folder.campaign_file, "--out", store}).code == 2);
    CHECK(std::filesystem::exists(store + ".parts"));
    CHECK(call_campaign({"run", folder.campaign_file, "--out", store, "--replace"}).code == 0);
    CHECK_FALSE(std::filesystem::exists(store + ".parts"));
}
