// The evidence that a run leaves, judged from its files: by the program, and by public tools.
#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

void flip(const fs::path& file, std::size_t at) {
    std::string content = content_of(file);
    content.at(at) = static_cast<char>(content.at(at) ^ 1);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

/// A run's output in a folder of its own.
struct finished_run {
    explicit finished_run(const std::string& scenario) {
        const auto run =
            run_program({"run", library_scenario(scenario), "--quiet", "--no-vcd", "--out", out.string()});
        INFO(run.err);
        REQUIRE(run.code == 0);
    }
    program_result verify() const { return run_program({"verify", out.string()}); }
    program_result script() const { return start({"sh", (out / "evidence/verify.sh").string()}); }

    temporary_directory folder;
    fs::path out = folder.path() / "run", evidence = out / "evidence";
};

fs::path folder_of(const finished_run& run) {
    return run.folder.path();
}

std::string listed(const program_result& result) {
    return result.out + result.err;
}

}  // namespace

TEST_CASE("public tools accept the evidence of a TPM 2.0 guest and refuse what was changed in it") {
    const finished_run run("tpm2_guest");
    const auto good = run.script();
    INFO(listed(good));
    REQUIRE(good.code == 0);
    for (const char* line :
         {"ok      chip-ek-1.pem was issued by the manufacturer",
          "ok      platform-aik-1.pem was issued by the privacy CA",
          "ok      guest1-1: AIK was certified by the privacy CA",
          "ok      guest1-1: quote over nonce and PCRs, by aik.pem",
          "ok      guest1-1: quote over nonce and PCRs, by ak.tss",
          "ok      guest1-1: boot log can be replayed", "ok      guest1-1: AIK is made out to guest1",
          "ok      guest1-1: deep quote was signed by a platform", "ok      guest1-1: IMA's list and PCR 10"})
        CHECK(contains(good.out, line));
    const auto log_size = fs::file_size(run.evidence / "guest1-1/binary_bios_measurements");
    for (const auto& [name, at, said] :
         {std::tuple{"quote.msg", std::size_t{100}, "quote over nonce and PCRs, by ak.tss"},
          std::tuple{"quote.pcrs", std::size_t{142}, "quote over nonce and PCRs, by ak.tss"},
          std::tuple{"ak.tss", std::size_t{100}, "quote over nonce and PCRs, by ak.tss"},
          std::tuple{"nonce.bin", std::size_t{0}, "quote over nonce and PCRs, by aik.pem"},
          std::tuple{"binary_bios_measurements", log_size - 80, "boot log can be replayed"},
          std::tuple{"deep-quote-info.bin", std::size_t{40}, "deep quote was signed by a platform"},
          std::tuple{"binary_runtime_measurements", std::size_t{60}, "IMA's list and PCR 10"}}) {
        INFO(name);
        flip(run.evidence / "guest1-1" / name, at);
        const auto refused = run.script();
        INFO(listed(refused));
        // A boot log is only replayed by its reader: what its digests lead to is not the script's to know.
        if (std::string(name) != "binary_bios_measurements") {
            CHECK(refused.code == 1);
            CHECK(contains(refused.out, std::string("FAILED  guest1-1: ") + said));
        }
        const auto altered = run.verify();
        CHECK(altered.code == 1);
        CHECK(contains(altered.out, "evidence guest1-1: TRUSTED, ALTERED"));
        CHECK(contains(altered.out, std::string("ALTERED guest1-1/") + name + ':'));
        flip(run.evidence / "guest1-1" / name, at);
    }
    CHECK(run.verify().code == 0);
}

TEST_CASE("evidence files are judged anew with the same verdict and what was claimed instead is refused") {
    const finished_run run("deep_attestation");
    const auto good = run.verify();
    REQUIRE(good.code == 0);
    CHECK(contains(good.out, "evidence guest1-1: TRUSTED\n"));
    CHECK(contains(good.out, "evidence guest2-1: TRUSTED\n"));
    // Another guest's evidence in its place; a digit of a signature; no evidence at all.
    const fs::path file = run.evidence / "guest1-1/evidence.json";
    const std::string own = content_of(file);
    std::ofstream(file, std::ios::trunc) << content_of(run.evidence / "guest2-1/evidence.json");
    const auto swapped = run.verify();
    CHECK(swapped.code == 1);
    CHECK(contains(swapped.out, "evidence guest1-1: UNREADABLE: evidence.json is of another guest: guest2"));
    std::string changed = own;
    const auto signature = changed.find("quote_signature") + 30;
    changed[signature] = changed[signature] == '0' ? '1' : '0';
    std::ofstream(file, std::ios::trunc) << changed;
    const auto forged = run.verify();
    CHECK(forged.code == 1);
    CHECK(contains(forged.out, "evidence guest1-1: UNTRUSTED, ALTERED"));
    CHECK(contains(forged.out, "FAILED  vtpm-quote"));
    std::ofstream(file, std::ios::trunc) << "{}";
    CHECK(contains(run.verify().out, "evidence guest1-1: UNREADABLE"));
    std::ofstream(file, std::ios::trunc) << own;
    // What no check reads is in the run's fingerprint.
    REQUIRE(run.verify().code == 0);
    flip(run.evidence / "guest2-1/verdict.json", 10);
    const auto other = run.verify();
    CHECK(other.code == 1);
    CHECK(contains(other.out, "ALTERED a file was changed, added or removed since the run"));
    flip(run.evidence / "guest2-1/verdict.json", 10);
    fs::rename(run.evidence / "guest2-1", folder_of(run) / "away");
    CHECK(run.verify().code == 1);
    // A quote over another nonce; another guest's evidence where this one's is looked for.
    const std::string nonce = content_of(run.evidence / "guest1-1/nonce.bin");
    flip(run.evidence / "guest1-1/nonce.bin", 3);
    CHECK(contains(run.script().out, "FAILED  guest1-1: quote over the nonce"));
    std::ofstream(run.evidence / "guest1-1/nonce.bin", std::ios::trunc) << nonce;
    fs::rename(run.evidence / "guest1-1", folder_of(run) / "first");
    CHECK(contains(run.script().out, "FAILED  there is no guest's evidence here"));
    fs::rename(folder_of(run) / "away", run.evidence / "guest1-1");
    CHECK(contains(run.script().out, "FAILED  guest1-1: AIK is made out to guest1"));
    // The authorities' files are what everything is held against.
    fs::remove(run.evidence / "platform-aik-1.pem");
    CHECK(run.verify().code == 1);
}

TEST_CASE("the public tools find a guest that was attached late") {
    const finished_run run("late_attach");
    const auto seen = run.script();
    CHECK(seen.code == 1);
    CHECK(contains(seen.out, "ok      guest1-1: IMA's list and PCR 10"));
    CHECK(contains(seen.out, "FAILED  guest2-1: IMA's list and PCR 10"));
    CHECK(run.verify().code == 1);
}

TEST_CASE("verify says where there is nothing to verify") {
    temporary_directory folder;
    const auto refused = run_program({"verify", folder.path().string()});
    CHECK(refused.code == 2);
    CHECK(contains(refused.err, "no output of a run: there is no "));
}
