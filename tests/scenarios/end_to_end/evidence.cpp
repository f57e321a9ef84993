// The evidence that a run leaves, judged from its files: by the program, and by public tools.
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>

#include "models/hex.h"
#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

/// A run's output in a folder of its own. `scenario`: a name of the library, or a file.
struct finished_run {
    explicit finished_run(const std::string& scenario) {
        const auto run = run_program({"run", scenario, "--quiet", "--no-vcd", "--out", out.string()});
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

/// A change of one bit that has to be noticed.
struct change {
    std::string file;
    std::size_t at;
    std::string said;  ///< the line of verify.sh that it makes fail; "" when only `vtwin verify` can tell
};

/// In the middle.
change anywhere(const finished_run& run, const std::string& file, const std::string& said) {
    return {file, fs::file_size(run.evidence / file) / 2, said};
}

/// Behind a text.
change behind(const finished_run& run, const std::string& file, const std::string& text,
              const std::string& said) {
    const auto found = content_of(run.evidence / file).find(text);
    REQUIRE(found != std::string::npos);
    return {file, found + text.size(), said};
}

/// In the digest of the kernel, in the bank that is judged.
change in_boot_log(const finished_run& run, const std::string& guest, bool two) {
    std::istringstream line(content_of(run.evidence / guest / "boot-log.txt"));
    std::string pcr, sha1, sha256;
    line >> pcr >> sha1 >> sha256;
    const auto digest = *vtwin::models::from_hex(two ? sha256 : sha1);
    const std::string octets(reinterpret_cast<const char*>(digest.data()), digest.size());
    auto made =
        behind(run, guest + "/binary_bios_measurements", octets, guest + ": boot log leads to the PCRs");
    --made.at;
    return made;
}

/// The files of the authorities and those of every guest.
std::vector<change> common_changes(const finished_run& run, const std::string& guest, bool two) {
    const std::string folder = guest + '/', of = guest + ": ";
    std::vector<change> all = {
        anywhere(run, "manufacturer.pem", "chip-ek-1.pem was issued by the manufacturer"),
        anywhere(run, "chip-ek-1.pem", "chip-ek-1.pem was issued by the manufacturer"),
        anywhere(run, "privacy-ca.pem", of + "AIK was certified by the privacy CA"),
        anywhere(run, "platform-aik-1.pem", "platform-aik-1.pem was issued by the privacy CA"),
        anywhere(run, "saa-modulus.bin", of + "deep quote names a signed configuration"),
        anywhere(run, "configuration-1.bin", of + "deep quote names a signed configuration"),
        // What is believed: the run's fingerprint holds it, or --policy takes its place.
        behind(run, "policy.json", "\"description\": \"", ""),
        anywhere(run, "README", ""),     // for people
        anywhere(run, "verify.sh", ""),  // cannot judge itself
        anywhere(run, folder + "aik.pem", of + "AIK was certified by the privacy CA"),
        anywhere(run, folder + "ascii_runtime_measurements", of + "IMA's list is the same in both forms"),
        {folder + "binary_runtime_measurements", 60, of + "IMA's list and PCR 10"},
        in_boot_log(run, guest, two),
        anywhere(run, folder + "boot-log.txt", ""),  // for people
        anywhere(run, folder + "deep-quote-info.bin", of + "deep quote is over nonce and quote"),
        {folder + "deep-quote.bin", 0, of + "deep quote begins with its signature"},
        {folder + "deep-quote.bin", 256, of + "deep quote is over nonce and quote"},
        {folder + "deep-quote.bin", 475, of + "deep quote is over nonce and quote"},
        anywhere(run, folder + "deep-quote.sig", of + "deep quote was signed by a platform"),
        anywhere(run, folder + "evidence.json",
                 ""),  // the guest's own words, of which the other files are made
        {folder + "nonce.bin", 19, of + "deep quote is over nonce and quote"},
        behind(run, folder + "pcrs.txt", "PCR-04: ", of + "quoted values are those of pcrs.txt"),
        behind(run, folder + "pcrs.txt", "PCR-12: ", ""),  // not quoted: nothing but a claim
        anywhere(run, folder + "verdict.json", ""),        // the verifier's own words
        anywhere(run, folder + "verdict.txt", "")};
    for (const std::string number : {"flags", "vtpm_pcr_mask", "hardware_pcr_mask", "locality"})
        all.push_back(behind(run, folder + "deep-quote.json", '"' + number + "\": ",
                             of + (two && number == "vtpm_pcr_mask" ? "quoted values are those of pcrs.txt"
                                                                    : "deep quote is over nonce and quote")));
    return all;
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool script_too = false;  // it and its tools are the same ones as in the other build
#else
constexpr bool script_too = true;
#endif

/// Makes each change, has it found, and takes it back; every file of the guest and beside must be among them.
void each_is_refused(const finished_run& run, const std::string& guest, const std::vector<change>& changes) {
    std::set<std::string> flipped;
    for (const change& made : changes) {
        INFO(made.file << " at " << made.at);
        flipped.insert(made.file);
        flip(run.evidence / made.file, made.at);
        if (script_too && !made.said.empty()) {
            const auto refused = run.script();
            INFO(listed(refused));
            CHECK(refused.code == 1);
            CHECK(contains(refused.out, "FAILED  " + made.said));
        }
        const auto altered = run.verify();
        INFO(listed(altered));
        CHECK(altered.code == 1);
        CHECK(contains(altered.out, "ALTERED"));
        flip(run.evidence / made.file, made.at);
    }
    for (const auto& [file, content] : files_below(run.evidence))
        if (const auto slash = file.find('/'); slash == std::string::npos || file.substr(0, slash) == guest) {
            INFO(file);
            CHECK(flipped.contains(file));
        }
    CHECK(run.script().code == 0);
}

}  // namespace

TEST_CASE("public tools accept the evidence of a TPM 2.0 guest and refuse what was changed in it") {
    const finished_run run("tpm2_guest");
    const auto good = run.script();
    INFO(listed(good));
    REQUIRE(good.code == 0);
    CHECK_FALSE(contains(good.out, "skipped"));
    auto changes = common_changes(run, "guest1-1", true);
    const std::string folder = "guest1-1/", of = "guest1-1: ";
    const std::vector<change> more = {
        anywhere(run, folder + "ak.pub.pem", of + "ak.pub.pem is the certified key"),
        {folder + "ak.tss", 100, of + "quote over nonce and PCRs, by ak.tss"},
        anywhere(run, folder + "keylime-quote.json", of + "keylime-quote.json is of the same"),
        {folder + "nonce.bin", 0, of + "quote over nonce and PCRs, by aik.pem"},
        // Not quoted either, but in boot_aggregate.
        behind(run, folder + "pcrs.txt", "PCR-08: ", of + "boot aggregate is that of the PCRs"),
        {folder + "quote.msg", 100, of + "quote over nonce and PCRs, by ak.tss"},
        {folder + "quote.pcrs", 142, of + "quote over nonce and PCRs, by ak.tss"},
        anywhere(run, folder + "quote.sig", of + "quote over nonce and PCRs, by aik.pem")};
    changes.insert(changes.end(), more.begin(), more.end());
    each_is_refused(run, "guest1-1", changes);
}

TEST_CASE("public tools accept the evidence of a TPM 1.2 guest and refuse what was changed in it") {
    temporary_directory folder_of_scenario;
    const fs::path scenario = folder_of_scenario.path() / "one_guest.toml";
    std::ofstream(scenario) << "base = \"deep_attestation\"\n"
                               "without = [\"guest.guest2\", \"vtpm.vtpm2\", \"expect.guest2\"]\n";
    const finished_run run(scenario.string());
    const auto good = run.script();
    INFO(listed(good));
    REQUIRE(good.code == 0);
    CHECK_FALSE(contains(good.out, "skipped"));
    auto changes = common_changes(run, "guest1-1", false);
    const std::string folder = "guest1-1/", of = "guest1-1: ";
    const std::vector<change> more = {{folder + "aik.pub", 10, of + "aik.pub is the certified key"},
                                      {folder + "aik.pub", 100, of + "quote over the nonce, by aik.pub"},
                                      {folder + "nonce.bin", 3, of + "quoted values are those of pcrs.txt"},
                                      anywhere(run, folder + "quote-info.bin", of + "quote over the nonce\n"),
                                      anywhere(run, folder + "quote.sig", of + "quote over the nonce\n")};
    changes.insert(changes.end(), more.begin(), more.end());
    each_is_refused(run, "guest1-1", changes);
}

TEST_CASE("logs and PCR values that agree with each other but not with the quote are refused") {
    for (const char* scenario : {"tpm2_guest", "deep_attestation"}) {
        const finished_run run(scenario);
        const fs::path guest = run.evidence / "guest1-1";
        for (const char* log :
             {"binary_bios_measurements", "binary_runtime_measurements", "ascii_runtime_measurements"})
            std::ofstream(guest / log, std::ios::trunc).close();
        std::string pcrs = content_of(guest / "pcrs.txt");
        for (std::size_t at = 0; at < pcrs.size(); ++at)
            if (const std::size_t line = pcrs.rfind('\n', at);
                at - (line + 1) > 6 && ::isxdigit(pcrs[at]) != 0)
                pcrs[at] = '0';
        std::ofstream(guest / "pcrs.txt", std::ios::trunc) << pcrs;
        const auto refused = run.script();
        INFO(listed(refused));
        CHECK(refused.code == 1);
        CHECK(contains(refused.out, "FAILED  guest1-1: quoted values are those of pcrs.txt"));
        CHECK(contains(refused.out, "ok      guest1-1: boot log leads to the PCRs"));
    }
}

TEST_CASE("a deep quote of somebody else, a key of another kind and a nonce used twice are refused") {
    const finished_run run("deep_attestation");
    const auto replace = [&](const std::string& by, const std::string& file) {
        fs::copy_file(run.evidence / by, run.evidence / file, fs::copy_options::overwrite_existing);
    };
    for (const char* file : {"deep-quote.bin", "deep-quote-info.bin", "deep-quote.sig", "deep-quote.json"})
        replace(std::string("guest2-1/") + file, std::string("guest1-1/") + file);
    auto refused = run.script();
    INFO(listed(refused));
    CHECK(contains(refused.out, "FAILED  guest1-1: deep quote is over nonce and quote"));
    CHECK(contains(refused.out, "ok      guest1-1: deep quote was signed by a platform"));

    replace("guest1-1/aik.pem", "platform-aik-2.pem");
    refused = run.script();
    CHECK(contains(refused.out, "FAILED  platform-aik-2.pem was issued by the privacy CA"));
    fs::remove(run.evidence / "platform-aik-2.pem");

    fs::copy(run.evidence / "guest2-1", run.evidence / "guest2-2");
    refused = run.script();
    CHECK(contains(refused.out, "FAILED  no nonce was used twice"));
    const auto judged = run.verify();
    CHECK(contains(judged.out, "evidence guest2-2: UNTRUSTED\n  FAILED  nonce: guest2: nonce "));
    CHECK(contains(judged.out, " was used before, for guest2-1"));
}

TEST_CASE(
    "evidence is judged with the references of its run or with others and with authorities from elsewhere") {
    const finished_run run("deep_attestation");
    const fs::path known = run.folder.path() / "known", stranger = run.folder.path() / "stranger";
    const auto verify = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"verify", run.out.string()});
        return run_program(more);
    };
    CHECK(contains(run.verify().out,
                   "authorities: those beside the evidence, believed as they are\n"
                   "references: those beside the evidence, believed as they are\n"));
    // Nothing of the run but its evidence is needed to judge that.
    fs::copy(run.evidence, known);
    const std::string resolved = content_of(run.out / "scenario.resolved.toml");
    fs::remove(run.out / "scenario.resolved.toml");
    const auto alone = run.verify();
    CHECK(contains(alone.out, "evidence guest1-1: TRUSTED\n"));
    CHECK(contains(alone.out, "ALTERED a file was changed, added or removed"));
    std::ofstream(run.out / "scenario.resolved.toml") << resolved;
    CHECK(verify({"--authorities", known.string(), "--policy", (known / "policy.json").string()}).code == 0);
    CHECK(verify({"--policy", library_scenario("deep_attestation")}).code == 0);
    const auto other = verify({"--policy", library_scenario("tpm2_guest"), "--authorities", known.string()});
    CHECK(other.code == 1);
    CHECK(contains(other.out, "FAILED  vtpm-version: guest1: "));
    CHECK(contains(other.out, "FAILED  guest: guest2: there is no reference for this guest"));

    // A run that vouches for itself, with authorities of its own.
    const auto made = run_program({"run", library_scenario("deep_attestation"), "--seed", "2", "--quiet",
                                   "--no-vcd", "--out", stranger.string()});
    REQUIRE(made.code == 0);
    CHECK(run_program({"verify", stranger.string()}).code == 0);
    CHECK(start({"sh", (stranger / "evidence/verify.sh").string()}).code == 0);
    const auto unknown = run_program({"verify", stranger.string(), "--authorities", known.string()});
    CHECK(unknown.code == 1);
    CHECK(contains(unknown.out, "FAILED  aik-certificate"));
    // By a script of ours: theirs may say anything. Nor do the names of their folders.
    std::ofstream(stranger / "evidence/verify.sh", std::ios::trunc) << "echo fine\n";
    fs::create_directory(stranger / "evidence/x\nok      guest7-1: AIK was certified by the privacy CA");
    std::ofstream(stranger /
                  "evidence/x\nok      guest7-1: AIK was certified by the privacy CA/evidence.json")
        << "{}";
    const auto by_script =
        start({"sh", (known / "verify.sh").string(), known.string(), (stranger / "evidence").string()});
    INFO(by_script.out);
    CHECK_FALSE(contains(by_script.out, "\nok      guest7-1"));
    CHECK(by_script.code == 1);
    CHECK(contains(by_script.out, "FAILED  guest1-1: AIK was certified by the privacy CA"));
    CHECK(contains(by_script.out, "FAILED  platform-aik-1.pem was issued by the privacy CA"));

    // What was judged has to be there.
    fs::remove_all(run.evidence / "guest2-1");
    const auto missing = verify({"--policy", library_scenario("deep_attestation")});
    CHECK(missing.code == 1);
    CHECK(contains(missing.out, "evidence guest2-1: UNREADABLE: there is no evidence.json"));
    CHECK(contains(run.script().out, "FAILED  guest2-1: there is its evidence"));
}

TEST_CASE("verify refuses odd directories with a message") {
    const finished_run run("tpm2_guest");
    const auto says = [&](const std::vector<std::string>& words, const std::string& what) {
        const auto refused = run_program(words);
        INFO(listed(refused));
        CHECK(refused.code == 2);
        CHECK(contains(refused.err, what));
    };
    const std::string out = run.out.string();
    says({"verify", out, "--policy", (run.evidence / "README").string()}, "README");
    says({"verify", out, "--policy", (run.out / "result.json").string()}, "is no policy that a run has left");
    says({"verify", out, "--authorities", (run.evidence / "guest1-1").string()},
         "there is no privacy-ca.pem");
    says({"verify", out, "--authorities", (run.evidence / "README").string()}, "cannot be looked through");
    // A name that only ends like that of evidence is just a file too many.
    fs::copy_file(run.evidence / "guest1-1/evidence.json", run.evidence / "guest1-1/xevidence.json");
    const auto more = run.verify();
    CHECK(more.code == 1);
    CHECK(contains(more.out, "evidence guest1-1: TRUSTED\n"));
    CHECK(contains(more.out, "ALTERED a file was changed, added or removed"));
    fs::remove(run.evidence / "guest1-1/xevidence.json");
    fs::create_symlink("loop", run.evidence / "loop");
    CHECK(run.verify().code == 0);
    fs::rename(run.evidence, run.out / "away");
    std::ofstream(run.evidence) << "a file";
    says({"verify", out}, "there is no directory");
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
    CHECK(contains(run.script().out, "FAILED  guest1-1: quoted values are those of pcrs.txt"));
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
