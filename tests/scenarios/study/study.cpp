#include "scenarios/study/study.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::study;
using namespace vtwin::scenario::test;

TEST_CASE("a study is all combinations of its sweeps and pairs stay pairs") {
    small_scenario_directory folder;
    const std::string file = folder.write("s.toml", R"(
scenario = "test"
replications = 3
first_seed = 5
deadline = "2 ms"
metrics = ["latency.mean_ns"]
[base]
"machine.pcpus" = 3
[[sweep]]
key = "guest.g1.memory"
values = ["16 MiB", "32 MiB"]
[[sweep]]
name = "policy"
keys = ["machine.scheduler", "machine.pcpus"]
values = [["credit", 1], ["round_robin", 2]]
labels = ["a", "b"]
)");
    const auto read = read_study(file);
    CHECK(read.replications == 3);
    CHECK(read.first_seed == 5);
    CHECK(read.deadline == sc_core::sc_time(2, sc_core::SC_MS));
    const auto settings = settings_of(read);
    REQUIRE(settings.size() == 4);
    CHECK(label_of(read, settings[1]) == "guest.g1.memory=16 MiB, policy=b");
    const auto& changes = settings[1].overrides;
    REQUIRE(changes.size() == 4);
    CHECK(changes[0].key == "machine.pcpus");
    CHECK(changes[0].text == "3");
    CHECK(changes[2].text == "round_robin");
    CHECK(changes[3].text == "2");
}

TEST_CASE("a range has both ends and what is between is rounded") {
    CHECK(spread(1, 1000, 4, true) == std::vector<std::uint64_t>{1, 10, 100, 1000});
    CHECK(spread(10, 20, 3, false) == std::vector<std::uint64_t>{10, 15, 20});
    CHECK(spread(1, 3, 10, false) == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(spread(100, 1234567, 3, true)[1] == 11100);
}

TEST_CASE("a study with mistakes names each with its line") {
    small_scenario_directory folder;
    const std::string file = folder.write("s.toml", R"(scenario = "test"
replication = 3
[[sweep]]
key = "machine.pcpus"
from = 4
to = 2
[[sweep]]
keys = ["machine.pcpus", "machine.xsm"]
values = [[1]]
[[formula]]
kind = "m_d_2"
)");
    try {
        read_study(file);
        FAIL("accepted");
    } catch (const user_error& error) {
        const std::string text = error.what();
        CHECK(text.find("s.toml:2: replication: unknown key; did you mean 'replications'?") !=
              std::string::npos);
        CHECK(text.find("s.toml:3: sweep: expected from below to") != std::string::npos);
        CHECK(text.find("s.toml:9: sweep.values: expected 2 value(s) per step") != std::string::npos);
        CHECK(text.find("unknown formula \"m_d_2\"; did you mean 'm_d_1'?") != std::string::npos);
    }
}

TEST_CASE("the identity of a study follows what its scenario says") {
    small_scenario_directory folder;
    const std::string file =
        folder.write("s.toml", "scenario = \"test\"\n[[sweep]]\nkey = \"seed\"\nvalues = [1]\n");
    const std::string before = read_study(file).identity;
    CHECK(read_study(file).identity == before);
    folder.write("test.toml", content_of(folder.file) + "\n[machine]\npcpus = 7\n");
    CHECK(read_study(file).identity != before);
}
