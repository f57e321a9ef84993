// The user's mistakes through the program: exit code 2, the place of the mistake, and nothing written.
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario::test;

namespace {

const std::string second_guest = "[guest.g2]\nvtpm = \"v1\"\nkernel = \"kernel\"\n";
const std::string second_vtpm =
    "[vtpm.v2]\nbackend = \"vtpmmgr\"\nuuid = \"11111111-1111-4111-8111-111111111111\"\n";

/// Entries of a directory, sorted.
std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

/// No directory there claims to be the output of a run that went to its end.
bool looks_complete(const fs::path& place) {
    return fs::exists(place / "result.json") && !fs::exists(place / "INCOMPLETE");
}

struct mistake {
    std::string what, text, place;  ///< `place`: what follows the folder's name in the message
    std::vector<std::string> words;
};

std::vector<mistake> mistakes() {
    const auto& good = small_scenario;
    return {
        {"unknown key",
         replaced(good, "locality = 2", "localty = 2"),
         "test.toml:2: ",
         {"manager.localty", "unknown key", "did you mean 'manager.locality'"}},
        {"unknown value",
         good + "[machine]\nbehaviour = \"faithfull\"\n",
         "test.toml:19: ",
         {"machine.behaviour", "\"faithful\", \"hardened\"", "\"faithfull\""}},
        {"TPM 2.0 for the administrator",
         replaced(good, "administrator = true", "administrator = true\nversion = \"2.0\""),
         "test.toml:8: ",
         {"vtpm.admin.version", "TPM 1.2 only"}},
        {"vTPM of no family",
         replaced(good, "administrator = true", "administrator = true\nversion = \"2\""),
         "test.toml:8: ",
         {"vtpm.admin.version", "\"1.2\", \"2.0\""}},
        {"unknown chip", good + "[machine]\nchip = \"slb9653\"\n", "test.toml:19: ", {"slb9653", "slb9635"}},
        {"wrong type",
         replaced(good, "locality = 2", "locality = \"two\""),
         "test.toml:2: ",
         {"manager.locality", "expected a whole number"}},
        {"out of range",
         replaced(good, "locality = 2", "locality = 5"),
         "test.toml:2: ",
         {"manager.locality", "0 to 4"}},
        {"wrong unit",
         replaced(good, "command_line", "attach_after = \"2 kg\"\ncommand_line"),
         "test.toml:16: ",
         {"guest.g1.attach_after", "\"2 kg\""}},
        {"missing file",
         replaced(good, "kernel = \"kernel\"", "kernel = \"no-kernel\""),
         "test.toml:15: ",
         {"guest.g1.kernel", "no-kernel", "no such file"}},
        {"missing disk image",
         replaced(good, "[guest.g1]", "disk.path = \"no-image\"\n[guest.g1]"),
         "test.toml:13: ",
         {"vtpm.v1.disk.path", "no-image"}},
        {"unreadable disk image",
         replaced(good, "[guest.g1]", "disk.path = \"ima\"\n[guest.g1]"),
         "test.toml:13: ",
         {"vtpm.v1.disk.path", "disk image"}},
        {"backend that does not exist",
         replaced(good, "backend = \"vtpmmgr\"\nuuid = \"1", "backend = \"vtpmgr\"\nuuid = \"1"),
         "test.toml:10: ",
         {"vtpm.v1.backend", "unknown backend \"vtpmgr\"", "\"vtpmmgr\""}},
        {"vTPM that does not exist",
         replaced(good, "vtpm = \"v1\"", "vtpm = \"v7\""),
         "test.toml:14: ",
         {"guest.g1.vtpm", "v7"}},
        {"two guests on one vTPM",
         good + second_guest,
         "test.toml:19: ",
         {"guest.g2.vtpm", "\"v1\" serves another guest", "test.toml:14"}},
        {"two vTPMs with one UUID",
         good + second_vtpm,
         "test.toml:20: ",
         {"vtpm.v2.uuid", "the same UUID as vtpm.v1", "test.toml:11"}},
        {"no TOML", good + "[guest.g1\n", "test.toml:18", {}},
    };
}

}  // namespace

TEST_CASE("every class of mistake ends in exit code 2 with file and line and leaves nothing") {
    for (const mistake& each : mistakes()) {
        INFO(each.what);
        small_scenario_directory folder(each.text);
        const std::vector<std::string> before = names_in(folder.path());
        const program_result run = run_program({"run", folder.file, "--out", folder.at("out")});
        INFO(run.err);
        CHECK(run.code == 2);
        CHECK(run.out.empty());
        CHECK(contains(run.err, (folder.path() / each.place).string()));
        for (const std::string& word : each.words)
            CHECK(contains(run.err, word));
        CHECK(names_in(folder.path()) == before);
    }
    // The same scenario without a mistake is accepted, so that each of them was the cause.
    small_scenario_directory folder;
    CHECK(run_program({"check", folder.file}).code == 0);
}

TEST_CASE("all mistakes of a scenario are reported at once") {
    small_scenario_directory folder(
        replaced(replaced(small_scenario, "locality = 2", "localty = 2"), "vtpm = \"v1\"", "vtmp = \"v1\""));
    const program_result run = run_program({"run", folder.file, "--out", folder.at("out")});
    CHECK(run.code == 2);
    CHECK(contains(run.err, "test.toml:2: manager.localty"));
    CHECK(contains(run.err, "test.toml:14: guest.g1.vtmp"));
    CHECK(contains(run.err, "did you mean 'guest.g1.vtpm'"));
}

TEST_CASE("mistakes in overrides name the option") {
    small_scenario_directory folder;
    const std::string out = folder.at("out");
    for (const char* bad : {"sed=2", "seed=x", "time_limit=\"5 kg\"", "guest.g1.kernel=/no/kernel",
                            "vtpm.v1.backend=nobody", "guest.g1.vtpm=nothing", "guest.g7.vtpm=v1", "seed"}) {
        INFO(bad);
        const program_result run = run_program({"run", folder.file, "--out", out, "--set", bad});
        CHECK(run.code == 2);
        CHECK(contains(run.err, "vtwin: error: --set"));
        CHECK_FALSE(fs::exists(out));
    }
}

TEST_CASE("an output place that cannot be written is refused before anything is left") {
    small_scenario_directory folder;
    // Below a file, and in a place where even root may not create anything.
    for (const std::string& out : {folder.file + "/out", std::string("/proc/vtwin-out")}) {
        const program_result run = run_program({"run", folder.file, "--no-vcd", "--out", out});
        INFO(run.err);
        CHECK(run.code == 2);
        CHECK(contains(run.err, "vtwin: error: "));
        CHECK(contains(run.err, out));
        CHECK_FALSE(fs::exists(out));
        CHECK_FALSE(fs::exists(out + ".tmp"));
    }
    // Somebody else's directory stays as it is.
    folder.write("mine/letter", "dear");
    const program_result run = run_program({"run", folder.file, "--no-vcd", "--out", folder.at("mine")});
    CHECK(run.code == 2);
    CHECK(names_in(folder.path() / "mine") == std::vector<std::string>{"letter"});
}

TEST_CASE("a directory without write permission is refused") {
    small_scenario_directory folder;
    const fs::path closed = folder.path() / "closed";
    fs::create_directory(closed);
    // Root ignores permissions: the child gives its privileges up. The folder itself has to be passable.
    fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_all);
    fs::permissions(closed, fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read |
                                fs::perms::others_exec);
    const program_result run =
        start({VTWIN_PROGRAM, "run", folder.file, "--no-vcd", "--out", (closed / "out").string()},
              [] { return ::geteuid() != 0 || (::setgid(65534) == 0 && ::setuid(65534) == 0); });
    if (run.code == 127) {
        WARN("the program cannot be started by an unprivileged user here");
        return;
    }
    INFO(run.err);
    CHECK(run.code == 2);
    CHECK(contains(run.err, "Permission denied"));
    CHECK(names_in(closed).empty());
}

TEST_CASE("a full disk leaves no directory that looks complete") {
    small_scenario_directory folder;
    const fs::path disk = folder.path() / "disk";
    fs::create_directory(disk);
    const std::string place = disk.string(), out = (disk / "out").string();
    const bool mounted = ::mount("none", place.c_str(), "tmpfs", 0, "size=16k") == 0;
    // Without the right to mount: a limit on the size of a file, which fails a write in the same place.
    const program_result run = start({VTWIN_PROGRAM, "run", folder.file, "--quiet", "--out", out}, [mounted] {
        const rlimit limit{4096, 4096};
        return mounted ||
               (std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR && ::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    });
    const bool left = fs::exists(out), complete = looks_complete(out), half = looks_complete(out + ".tmp");
    if (mounted)
        ::umount(place.c_str());
    INFO(run.err);
    CHECK(run.code == 2);
    CHECK(contains(run.err, "vtwin: error: "));
    CHECK_FALSE(left);
    CHECK_FALSE(complete);
    CHECK_FALSE(half);
}

TEST_CASE("a full disk keeps what an earlier run left") {
    small_scenario_directory folder;
    const fs::path out = folder.path() / "out";
    folder.write("out/result.json", "the earlier result");
    const program_result run =
        start({VTWIN_PROGRAM, "run", folder.file, "--quiet", "--out", out.string()}, [] {
            const rlimit limit{4096, 4096};
            return std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR && ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
        });
    INFO(run.err);
    CHECK(run.code == 2);
    CHECK(content_of(out / "result.json") == "the earlier result");
    CHECK(names_in(out) == std::vector<std::string>{"result.json"});
    CHECK_FALSE(fs::exists(folder.path() / "out.tmp"));
}
