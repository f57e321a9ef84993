// Runs that differ from the plain one in one point, and what the verifier makes of it.
#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

struct variant {
    explicit variant(const std::string& scenario, std::vector<std::string> options = {}) {
        std::vector<std::string> words{"run", library_scenario(scenario), "--no-vcd", "--out", out.string()};
        words.insert(words.end(), options.begin(), options.end());
        run = run_program(words);
    }
    temporary_directory folder;
    fs::path out = folder.path() / "run";
    program_result run;
};

/// PCR values of the guest's vTPM as quoted: "PCR-04: 01 23 ...".
std::string pcr_line(const fs::path& out, const std::string& guest, const std::string& pcr) {
    const std::string pcrs = content_of(out / "evidence" / (guest + "-1") / "pcrs.txt");
    const std::size_t at = pcrs.find("PCR-" + pcr + ":");
    REQUIRE(at != std::string::npos);
    return pcrs.substr(at, pcrs.find('\n', at) - at);
}

}  // namespace

TEST_CASE("another kernel than the approved one is found out by PCR 4") {
    variant v("deep_attestation", {"--set", "guest.guest1.kernel=/usr/bin/ctest"});
    CHECK(v.run.code == 1);
    CHECK(contains(v.run.out, "verdict  guest1: UNTRUSTED"));
    CHECK(contains(v.run.out, "FAILED  pcr-4: guest1: PCR 4"));
    CHECK(contains(v.run.out, "expected guest1: trusted  DID NOT HOLD; seen: untrusted"));
    const auto verdicts = verdicts_of(v.out);
    CHECK(verdicts.at("guest1").starts_with("pcr-4"));
    CHECK_FALSE(contains(verdicts.at("guest1"), "pcr-5"));
    CHECK(verdicts.at("guest2") == "trusted");
    CHECK(pcr_line(v.out, "guest1", "04") != pcr_line(v.out, "guest2", "04"));  // they share a kernel file
}

TEST_CASE("the scenario of a tampered guest holds what it expects") {
    variant v("tampered_guest");
    CHECK(v.run.code == 0);
    CHECK(contains(v.run.out, "expected guest1: untrusted, pcr-4 failed  held"));
    CHECK(contains(verdicts_of(v.out).at("guest1"), "pcr-4"));
    CHECK(verdicts_of(v.out).at("guest2") == "trusted");
}

TEST_CASE("a vTPM that was attached late proves the platform and not the boot") {
    variant v("late_attach");
    CHECK(v.run.code == 0);
    CHECK(verdicts_of(v.out).at("guest1") == "trusted");
    CHECK(contains(verdicts_of(v.out).at("guest2"), "boot-evidence"));
    // What can be concluded all the same.
    for (const char* passed : {"vtpm-quote", "deep-quote", "hardware-pcrs", "vtpm-uuid"}) {
        INFO(passed);
        CHECK(contains(v.run.out, "ok      " + std::string(passed) + ": guest2: "));
    }
    // What cannot.
    CHECK(contains(v.run.out, "FAILED  boot-evidence: guest2: "));
    CHECK(contains(v.run.out, "What can be concluded: "));
    CHECK(contains(v.run.out, "What cannot be concluded: "));
    const std::string none = "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00";
    CHECK(contains(pcr_line(v.out, "guest2", "04"), none));
    CHECK(contains(pcr_line(v.out, "guest2", "10"), none));
    CHECK_FALSE(contains(pcr_line(v.out, "guest1", "04"), none));
}

TEST_CASE("a hardened machine attests as well") {
    variant v("deep_attestation", {"--set", "machine.behaviour=hardened"});
    CHECK(v.run.code == 0);
    CHECK(verdicts_of(v.out) == both_trusted);
}

TEST_CASE("a run that its time limit ends is marked and says so") {
    variant v("deep_attestation", {"--set", "time_limit=\"5 s\""});
    CHECK(v.run.code == 1);
    CHECK(contains(v.run.out, "NOT FINISHED"));
    CHECK(fs::exists(v.out / "INCOMPLETE"));
    CHECK(result_of(v.out)["finished"] == false);
}
