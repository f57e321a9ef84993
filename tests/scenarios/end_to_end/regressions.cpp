// Every scenario that was reduced from a failing run fails the same way, and the program says how.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

TEST_CASE("every regression fails as it did when it was found") {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(VTWIN_SOURCE_DIR "/scenarios/regressions"))
        if (entry.path().extension() == ".toml")
            files.push_back(entry.path());
    std::ranges::sort(files);
    REQUIRE(!files.empty());
    for (const auto& file : files) {
        INFO(file);
        temporary_directory folder;
        const auto out = folder.at("out");
        const auto result = run_program({"run", file.string(), "--no-vcd", "--quiet", "--out", out});
        CHECK(result.code == 0);
        CHECK(result.out.find("DID NOT HOLD") == std::string::npos);
        const auto told = run_program({"explain", out});
        CHECK(told.code == 0);
        CHECK(told.out.find("began at") != std::string::npos);
        CHECK(told.out.find("Outcome: O") != std::string::npos);
    }
}

TEST_CASE("a regression whose fault is mended says so") {
    temporary_directory folder;
    const auto file = VTWIN_SOURCE_DIR "/scenarios/regressions/busy_chip_at_manager_start.toml";
    const auto result = run_program({"run", file, "--set", "machine.behaviour=hardened", "--no-vcd",
                                     "--quiet", "--out", folder.at("out")});
    CHECK(result.code == 1);
    CHECK(result.out.find("I-A3 broken  DID NOT HOLD; seen: none") != std::string::npos);
}

TEST_CASE("what is no run with faults cannot be explained") {
    temporary_directory folder;
    CHECK(run_program({"explain", folder.path().string()}).code == 2);
    CHECK(run_program({"explain", folder.at("nowhere")}).code == 2);
}
