// A guest with a vTPM 2.0 on a whole machine, as a user runs it; its quote checked by tpm2-tools.
#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

const std::map<std::string, std::string> trusted{{"guest1", "trusted"}};

std::string hex_of(const std::string& octets) {
    std::string text;
    for (const char octet : octets)
        text += fmt::format("{:02x}", static_cast<unsigned char>(octet));
    return text;
}

program_result check_quote(const fs::path& folder, const std::string& nonce) {
    return start({"tpm2_checkquote", "-u", (folder / "ak.pub.pem").string(), "-m",
                  (folder / "quote.msg").string(), "-s", (folder / "quote.sig").string(), "-f",
                  (folder / "quote.pcrs").string(), "-g", "sha256", "-q", nonce});
}

/// tpm2_guest with lines changed, in a folder of its own.
std::string changed_scenario(const temporary_directory& folder, const std::string& from,
                             const std::string& to) {
    const fs::path file = folder.path() / "changed.toml";
    std::ofstream(file) << replaced(content_of(library_scenario("tpm2_guest")), from, to);
    return file.string();
}

}  // namespace

TEST_CASE("a guest with a TPM 2.0 is trusted and no invariant broken and the run repeats") {
    temporary_directory folder;
    const fs::path first = folder.path() / "first", second = folder.path() / "second";
    const program_result run = run_program({"run", library_scenario("tpm2_guest"), "--out", first.string()});
    REQUIRE(run.code == 0);
    CHECK(verdicts_of(first) == trusted);
    CHECK(contains(run.out, "the hardware TPM signed the nonce and the vTPM's quote"));
    CHECK(contains(run.out, "boot_aggregate is the hash of PCR 0 to 9"));
    REQUIRE(run_program({"run", library_scenario("tpm2_guest"), "--out", second.string()}).code == 0);
    CHECK(differences(first, second) == std::vector<std::string>{});
}

TEST_CASE("tpm2_checkquote accepts the quote of a run and refuses it with one octet changed") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run", evidence = out / "evidence/guest1-1";
    REQUIRE(run_program({"run", library_scenario("tpm2_guest"), "--quiet", "--no-vcd", "--out", out.string()})
                .code == 0);
    const std::string nonce = hex_of(content_of(evidence / "nonce.bin"));
    REQUIRE(nonce.size() == 40);
    const program_result good = check_quote(evidence, nonce);
    INFO(good.err);
    REQUIRE(good.code == 0);
    CHECK(contains(good.out, "10: 0x"));
    std::string other = nonce;
    other.front() = other.front() == '0' ? '1' : '0';
    CHECK(check_quote(evidence, other).code != 0);
    // In the attest's digest, in the signature, in the value of PCR 0.
    for (const auto& [name, at] : {std::pair{"quote.msg", 100}, std::pair{"quote.sig", 100},
                                   std::pair{"quote.pcrs", 132 + 4 + 4 + 2}}) {
        INFO(name);
        flip(evidence / name, static_cast<std::size_t>(at));
        CHECK(check_quote(evidence, nonce).code != 0);
        flip(evidence / name, static_cast<std::size_t>(at));
        CHECK(check_quote(evidence, nonce).code == 0);
    }
}

TEST_CASE("tpm2_eventlog replays the boot log of a run to its PCRs") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run", evidence = out / "evidence/guest1-1";
    REQUIRE(run_program({"run", library_scenario("tpm2_guest"), "--quiet", "--no-vcd", "--out", out.string()})
                .code == 0);
    const program_result log = start({"tpm2_eventlog", (evidence / "binary_bios_measurements").string()});
    INFO(log.err);
    REQUIRE(log.code == 0);
    CHECK(log.err.empty());
    // The listing of the SHA-256 bank: "PCR-04: 42 1F ...", and of the tool: "4  : 0x421f..."
    const std::string listing = content_of(evidence / "pcrs.txt");
    const auto pcr_of = [&](const std::string& number) {
        const auto at = listing.find("PCR-" + number + ":") + 7;
        std::string value = listing.substr(at, listing.find('\n', at) - at);
        std::erase(value, ' ');
        for (char& digit : value)
            digit = static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
        return value;
    };
    CHECK(pcr_of("04").size() == 64);
    CHECK(contains(log.out, "4  : 0x" + pcr_of("04")));
    CHECK(contains(log.out, "5  : 0x" + pcr_of("05")));
}

TEST_CASE("guests with a TPM 1.2 and a TPM 2.0 are trusted on one machine") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run";
    const program_result run =
        run_program({"run", library_scenario("deep_attestation"), "--quiet", "--no-vcd", "--set",
                     "vtpm.vtpm2.version=2.0", "--set", "verifier.reference.guest2.vtpm_version=2.0", "--out",
                     out.string()});
    CHECK(run.code == 0);
    CHECK(verdicts_of(out) == both_trusted);
    CHECK(fs::exists(out / "evidence/guest1-1/quote-info.bin"));
    CHECK(fs::exists(out / "evidence/guest2-1/quote.msg"));
}

TEST_CASE("a fault that harms no guest with a TPM 2.0 is masked and breaks no invariant") {
    temporary_directory folder;
    const fs::path file = folder.path() / "masked.toml", out = folder.path() / "run";
    // The second of two writes of the same octets, to a slot that nobody reads again.
    std::ofstream(file) << "base = \"tpm2_guest\"\n[faults.lost]\nkind = \"disk.lost_write\"\n"
                           "target = \"vtpm1.disk\"\nnth = 9\n";
    const program_result run = run_program({"run", file.string(), "--no-vcd", "--out", out.string()});
    CHECK(run.code == 0);
    CHECK(contains(run.out, "outcome      O1 masked"));
    CHECK(verdicts_of(out) == trusted);
}

TEST_CASE("a guest with a TPM 2.0 and another kernel than the approved one is found out") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run";
    const std::string file =
        changed_scenario(folder, "[expect.guest1]\nverdict = \"trusted\"",
                         "[verifier.reference.guest1]\nkernel = \"/usr/bin/ctest\"\n"
                         "[expect.guest1]\nverdict = \"untrusted\"\nfailed_checks = [\"pcr-4\"]");
    CHECK(run_program({"run", file, "--quiet", "--no-vcd", "--out", out.string()}).code == 0);
    CHECK(verdicts_of(out).at("guest1") == "pcr-4 kernel");
}

TEST_CASE("a vTPM 2.0 in the place of the approved TPM 1.2 is refused whatever it shows") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run";
    const std::string file = changed_scenario(folder, "version = \"2.0\"\n", "");
    CHECK(run_program(
              {"run", file, "--quiet", "--no-vcd", "--set", "vtpm.vtpm1.version=2.0", "--out", out.string()})
              .code == 1);
    CHECK(verdicts_of(out).at("guest1") == "vtpm-version");
}

TEST_CASE("a hardened machine keeps a vTPM 2.0 and its keys over a restart") {
    temporary_directory folder;
    const fs::path out = folder.path() / "run";
    const program_result run =
        run_program({"run", library_scenario("tpm2_guest"), "--no-vcd", "--set", "machine.behaviour=hardened",
                     "--set", "machine.restarts=1", "--out", out.string()});
    REQUIRE(run.code == 0);
    const auto files = files_below(out);
    REQUIRE(files.contains("evidence/guest1-2/ak.pub.pem"));
    CHECK(files.at("evidence/guest1-1/ak.pub.pem") == files.at("evidence/guest1-2/ak.pub.pem"));
    CHECK(files.at("evidence/guest1-1/quote.msg") != files.at("evidence/guest1-2/quote.msg"));
    CHECK(contains(files.at("evidence/guest1-2/verdict.txt"), "guest1: trusted"));
}
