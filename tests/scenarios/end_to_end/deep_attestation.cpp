// The scenario of the README, run as a user runs it: what it says, what it leaves, and that it repeats.
#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

TEST_CASE("deep attestation trusts both guests and leaves every file that the README promises") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run";
    const program_result run =
        run_program({"run", library_scenario("deep_attestation"), "--out", out.string()});
    REQUIRE(run.code == 0);
    CHECK(run.err.empty());
    CHECK(contains(run.out, "verdict  guest1: TRUSTED"));
    CHECK(contains(run.out, "verdict  guest2: TRUSTED"));
    CHECK_FALSE(contains(run.out, "FAILED"));
    CHECK(verdicts_of(out) == both_trusted);
    const auto files = files_below(out);
    for (const char* name :
         {"result.json", "scenario.resolved.toml", "timeline.txt", "trace.vcd", "trace.gtkw", "trace.pcapng",
          "trace.json", "latency.csv", "evidence/privacy-ca.pem", "evidence/guest1-1/quote.sig",
          "evidence/guest2-1/quote.sig"}) {
        INFO(name);
        REQUIRE(files.contains(name));
        CHECK_FALSE(files.at(name).empty());
    }
    CHECK_FALSE(files.contains("INCOMPLETE"));
    CHECK_FALSE(fs::exists(folder.path() / "run.tmp"));
    // The printed timeline is the file's, and the printed fingerprint the result's.
    CHECK(contains(run.out, files.at("timeline.txt")));
    CHECK(contains(run.out, "fingerprint  " + result_of(out)["fingerprint"].get<std::string>()));
}

TEST_CASE("the same seed gives the same bytes and so does the resolved scenario") {
    temporary_directory folder;
    const fs::path first = folder.path() / "first", second = folder.path() / "second",
                   resolved = folder.path() / "resolved";
    REQUIRE(run_program({"run", library_scenario("deep_attestation"), "--out", first.string()}).code == 0);
    REQUIRE(run_program({"run", library_scenario("deep_attestation"), "--out", second.string()}).code == 0);
    CHECK(differences(first, second) == std::vector<std::string>{});
    REQUIRE(
        run_program({"run", (first / "scenario.resolved.toml").string(), "--out", resolved.string()}).code ==
        0);
    CHECK(differences(first, resolved) == std::vector<std::string>{});
}

TEST_CASE("another seed makes other keys and the same verdicts") {
    temporary_directory folder;
    const fs::path one = folder.path() / "1", two = folder.path() / "2";
    for (const fs::path& out : {one, two})
        REQUIRE(run_program({"run", library_scenario("deep_attestation"), "--no-vcd", "--quiet", "--seed",
                             out.filename().string(), "--out", out.string()})
                    .code == 0);
    CHECK(verdicts_of(one) == both_trusted);
    CHECK(verdicts_of(two) == both_trusted);
    for (const char* name : {"guest1-1/aik.pem", "guest2-1/aik.pem", "guest1-1/nonce.bin",
                             "platform-aik-1.pem", "privacy-ca.pem"}) {
        INFO(name);
        const std::string content = content_of(one / "evidence" / name);
        CHECK_FALSE(content.empty());
        CHECK(content != content_of(two / "evidence" / name));
    }
    CHECK(content_of(one / "evidence/guest1-1/aik.pem") != content_of(one / "evidence/guest2-1/aik.pem"));
    CHECK_FALSE(fs::exists(one / "trace.vcd"));
    CHECK(result_of(one)["fingerprint"] != result_of(two)["fingerprint"]);
}
