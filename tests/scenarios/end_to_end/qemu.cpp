// Real firmware and a real kernel measure into a simulated guest's TPM: QEMU at a swtpm door
// (tools/qemu_boot).
#include <fstream>

#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

/// tools/qemu_boot in a folder of its own, which has to be empty at the end but for the output.
class boot {
  public:
    explicit boot(const std::vector<std::string>& words) {
        std::vector<std::string> line = {"env",
                                         "VTWIN_PROGRAM=" VTWIN_PROGRAM,
                                         "TMPDIR=" + m_folder.path().string(),
                                         VTWIN_SOURCE_DIR "/tools/qemu_boot",
                                         "--no-install",
                                         "--out",
                                         out().string()};
        line.insert(line.end(), words.begin(), words.end());
        done = start(line);
        for (const auto& entry : fs::directory_iterator(m_folder.path()))
            CHECK(entry.path() == out());
    }
    /// QEMU, its firmware or a kernel is not there: those packages are not among the tests'.
    bool impossible() const {
        if (done.code == 3)
            WARN(done.err);  // begins with SKIPPED
        return done.code == 3;
    }
    fs::path out() const { return m_folder.path() / "out"; }
    program_result done;

  private:
    temporary_directory m_folder;
};

/// Where the script keeps its kernel.
fs::path cache() {
    const char* place = ::getenv("XDG_CACHE_HOME");
    return place != nullptr && *place != '\0' ? fs::path(place) : fs::path(::getenv("HOME")) / ".cache";
}

void boots(std::vector<std::string> words) {
    const boot tried(words);
    if (tried.impossible())
        return;
    INFO(tried.done.out << tried.done.err);
    CHECK(tried.done.code == 0);
    CHECK(contains(tried.done.out, "event log: explains PCRs 0 to 7"));
    for (const char* file : {"binary_bios_measurements", "ascii_runtime_measurements",
                             "binary_runtime_measurements", "pcrs", "run/result.json"})
        CHECK_FALSE(content_of(tried.out() / file).empty());
    CHECK(contains(content_of(tried.out() / "ascii_runtime_measurements"), "boot_aggregate"));
}

}  // namespace

TEST_CASE("SeaBIOS and Linux measure into a TPM 2.0 through reset and snapshot") {
    boots({"--tpm", "2.0", "--firmware", "seabios", "--reset", "--snapshot"});
}

TEST_CASE("SeaBIOS and Linux measure into a TPM 1.2 through reset and snapshot") {
    boots({"--tpm", "1.2", "--firmware", "seabios", "--reset", "--snapshot"});
}

TEST_CASE("OVMF and Linux measure into a TPM 2.0 through reset and snapshot") {
    boots({"--tpm", "2.0", "--firmware", "ovmf", "--reset", "--snapshot"});
}

TEST_CASE("OVMF and Linux measure into a TPM 1.2 through reset and snapshot") {
    boots({"--tpm", "1.2", "--firmware", "ovmf", "--reset", "--snapshot"});
}

TEST_CASE("the verifier trusts a booted machine and refuses it with another kernel") {
    for (const std::string version : {"2.0", "1.2"}) {
        const std::vector<std::string> words = {"--tpm", version, "--firmware", "ovmf"};
        const auto with = [&](const std::vector<std::string>& more) {
            auto line = words;
            line.insert(line.end(), more.begin(), more.end());
            return line;
        };
        const boot approved(words);
        if (approved.impossible())
            return;
        const boot same(with({"--reference", approved.out().string()}));
        INFO(same.done.out << same.done.err);
        CHECK(same.done.code == 0);
        CHECK(contains(same.done.out, "guest1: TRUSTED"));
        CHECK(content_of(same.out() / "run/evidence/guest1-1/binary_bios_measurements") ==
              content_of(approved.out() / "binary_bios_measurements"));
        const auto judged_again = start({"sh", (same.out() / "run/evidence/verify.sh").string()});
        INFO(judged_again.out);
        CHECK(judged_again.code == 0);

        // One letter of a message of its setup code.
        std::string kernel = content_of(cache() / "vtwin/qemu/vmlinuz");
        const auto text = kernel.find("No setup signature found");
        REQUIRE(text != std::string::npos);
        kernel[text] = 'n';
        temporary_directory folder;
        const std::string changed = folder.at("vmlinuz");
        std::ofstream(changed, std::ios::binary) << kernel;
        const boot other(with({"--reference", approved.out().string(), "--kernel", changed}));
        INFO(other.done.out << other.done.err);
        CHECK(other.done.code == 4);
        CHECK(contains(other.done.out, "guest1: UNTRUSTED"));
        CHECK(contains(other.done.out, "FAILED  pcr-4: "));
        CHECK(contains(other.done.out, "EV_EFI_BOOT_SERVICES_APPLICATION"));
    }
}

TEST_CASE("Linux finds a TPM 2.0 behind a command response buffer") {
    boots({"--tpm", "2.0", "--firmware", "seabios", "--device", "crb"});
}

TEST_CASE("a machine that does not start ends in a message and leaves nothing running") {
    const boot tried({"--kernel", "/etc/debian_version"});
    if (tried.impossible())
        return;
    CHECK(tried.done.code == 1);
    CHECK(contains(tried.done.err, "WRONG: QEMU has ended"));
}

TEST_CASE("wrong options of qemu_boot are refused before anything starts") {
    const auto refused = [](const std::vector<std::string>& words) {
        const boot tried(words);
        CHECK(tried.done.code == 2);
        CHECK_FALSE(fs::exists(tried.out()));
        return tried.done.err;
    };
    CHECK(contains(refused({"--tpm"}), "error: --tpm needs a value"));
    CHECK(contains(refused({"--tpm", "3"}), "error: --tpm 3: expected one of 2.0 1.2"));
    CHECK(contains(refused({"--firmware", "bios"}), "expected one of seabios ovmf"));
    CHECK(contains(refused({"--tpm", "1.2", "--device", "crb"}), "a TPM 1.2 has no such interface"));
    CHECK(contains(refused({"--reference", "/etc"}), "there is no binary_bios_measurements"));
    CHECK(contains(refused({"--kernel", "/no/such/kernel"}), "cannot be read"));
    temporary_directory approved;
    for (const char* file : {"binary_bios_measurements", "ascii_runtime_measurements"})
        std::ofstream(approved.path() / file) << "something";
    CHECK(contains(refused({"--reference", approved.path().string()}), "SeaBIOS measures no kernel"));
    CHECK(contains(refused({"--snapshots"}), "unknown option --snapshots"));
}
