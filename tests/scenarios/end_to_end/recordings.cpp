// What real clients once asked of a TPM, done again by the scenarios that come with the program.
#include <algorithm>
#include <tuple>

#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

const fs::path library = VTWIN_SOURCE_DIR "/scenarios";

/// The library's scenarios with a recording of the library: path to the recording's name.
std::map<fs::path, std::string> replaying_scenarios() {
    const std::string key = "\nrecording = \"recordings/";
    std::map<fs::path, std::string> found;
    for (const auto& entry : fs::directory_iterator(library)) {
        if (entry.path().extension() != ".toml")
            continue;
        const std::string text = content_of(entry.path());
        if (const auto at = text.find(key); at != std::string::npos)
            found[entry.path()] =
                text.substr(at + key.size(), text.find('"', at + key.size()) - at - key.size());
    }
    return found;
}

program_result replay(const fs::path& scenario) {
    temporary_directory folder;
    return run_program({"run", scenario.string(), "--no-vcd", "--out", folder.at("out")});
}

/// The recording with another octet: the last but `from_end` of the data of a command that begins with
/// `head`.
std::string with_another_octet(std::string recording, const std::string& head, std::size_t from_end) {
    const std::string before = "\"data\":\"" + head;
    const auto command = recording.find(before);
    REQUIRE(command != std::string::npos);
    const auto at = recording.find('"', command + before.size()) - 2 * from_end - 1;
    recording[at] = recording[at] == '0' ? '1' : '0';
    return recording;
}

}  // namespace

TEST_CASE("every recording of the library is done again with the same answers") {
    const auto scenarios = replaying_scenarios();
    REQUIRE(scenarios.size() >= 2);
    for (const auto& [scenario, recording] : scenarios) {
        INFO(scenario);
        const std::string text = content_of(library / "recordings" / recording);
        const auto operations = std::count(text.begin(), text.end(), '\n') - 1;
        REQUIRE(operations > 20);
        const auto again = replay(scenario);
        INFO(again.out << again.err);
        CHECK(again.code == 0);
        CHECK(contains(again.out,
                       std::to_string(operations) + " recorded operations done again, 0 answers differ"));
    }
}

TEST_CASE("every recording of the library has a scenario and names no place of the machine it was made on") {
    std::vector<std::string> named;
    for (const auto& [scenario, recording] : replaying_scenarios())
        named.push_back(recording);
    for (const auto& entry : fs::directory_iterator(library / "recordings")) {
        INFO(entry.path());
        if (entry.path().extension() != ".jsonl")
            continue;
        CHECK(std::ranges::count(named, entry.path().filename().string()) == 1);
        CHECK(content_of(entry.path()).find('/') == std::string::npos);
        CHECK(fs::file_size(entry.path()) < 300'000);
    }
}

TEST_CASE("a recording with one octet of one measurement changed is answered differently") {
    // The digest of a TPM_Extend, and the SHA-256 digest of a TPM2_PCR_Extend; behind it are those of SHA-384
    // and SHA-512, whose PCRs nobody reads.
    for (const auto& [name, extend, from_end] :
         {std::tuple<std::string, std::string, std::size_t>{"linux12_seabios", "00c1000000220000001400", 1},
          {"linux20_ovmf", "8002000000cb0000018200", 64 + 2 + 48 + 2 + 1}}) {
        INFO(name);
        temporary_directory folder;
        const std::string shipped = "recordings/" + name + ".jsonl";
        const std::string file = folder.write(
            "changed.jsonl", with_another_octet(content_of(library / shipped), extend, from_end));
        const std::string again = folder.write(
            "changed.toml", replaced(content_of(library_scenario(name)), '"' + shipped, '"' + file));
        const auto differs = replay(again);
        INFO(differs.out << differs.err);
        CHECK(contains(differs.out, "recorded operations done again, "));
        CHECK(contains(differs.out, " answers differ, first that of number "));
        CHECK_FALSE(contains(differs.out, " 0 answers differ"));
    }
}
