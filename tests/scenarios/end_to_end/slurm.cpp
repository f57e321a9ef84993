// Campaigns and studies by a real Slurm come to what they come to without it.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "scenarios/batch/command.h"
#include "scenarios/campaign/store.h"
#include "tests/scenarios/end_to_end/private_slurm.h"
#include "tests/scenarios/end_to_end/program.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

/// A stack with one guest that does not attest.
const std::string scenario = R"(base = "attested_twice"
time_limit = "60 s"
[machine]
restarts = 0
[guest.guest1]
attestations = 0
)";
const std::string faults = R"(scenario = "small"
null = 2
[strata.killed]
kind = "domain.crashed"
target = ["guest1", "vtpm1"]
at = ["17 s", "17.5 s", "18 s", "18.5 s", "19 s", "19.5 s"]
)";
const std::string loads = R"(scenario = "shared_chip"
replications = 2
[base]
"fleet.count" = 1
"fleet.guest.load.duration" = "500 ms"
"fleet.guest.load.warm_up" = "100 ms"
"fleet.guest.load.start" = "40 s"
[[sweep]]
key = "fleet.guest.load.interval"
values = ["20 ms", "40 ms"]
)";

/// Where results of a campaign and a study go. Its name is as unfriendly to shells and to Slurm as names get.
struct slurm_bench {
    private_slurm slurm;
    temporary_directory folder;
    fs::path away = folder.path() / "it's \"50% $HOME\" \\a b";
    std::string campaign = folder.write("killed.toml", faults), study = folder.write("loads.toml", loads);
    slurm_bench() {
        folder.write("small.toml", scenario);
        folder.write("shared_chip.toml", content_of(VTWIN_SOURCE_DIR "/scenarios/studies/shared_chip.toml"));
        fs::create_directories(away);
    }
    /// Says so when there is no Slurm. One that is there must start.
    bool there() const {
        if (!slurm.failure().empty())
            FAIL("Slurm is there and does not start: " << slurm.failure());
        if (!slurm.missing().empty())
            WARN("SKIPPED: no Slurm to test with: " << slurm.missing());
        return slurm.missing().empty();
    }
    std::string local_store() const { return folder.at("local.sqlite"); }
    std::string far_store() const { return (away / "far.sqlite").string(); }
};

std::string hash_of(const std::string& store) {
    return campaign_store(store, campaign_store::access::read).result_hash();
}

/// Who writes to a store; 0 when nobody does.
pid_t writer_of(const std::string& store) {
    const int lock = ::open((store + ".lock").c_str(), O_RDWR | O_CLOEXEC);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    const bool held = lock >= 0 && ::fcntl(lock, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    ::close(lock);
    return held ? whole.l_pid : 0;
}

/// However busy the machine is, the task is found half way: it does not go on until it is cancelled, when
/// Slurm lets it go on to end it.
void stop_after_first_result(const std::string& part) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(10);
    while (finished_in(part).value_or(0) == 0) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const pid_t writer = writer_of(part);
    REQUIRE(writer > 0);
    REQUIRE(::kill(writer, SIGSTOP) == 0);
}

std::string first_number(const std::string& text) {
    const auto start = text.find_first_of("0123456789");
    return text.substr(start, text.find_first_not_of("0123456789", start) - start);
}

}  // namespace

TEST_CASE("a campaign and a study by Slurm come to what they come to here") {
    const slurm_bench world;
    if (!world.there())
        return;
    const auto far = run_program({"campaign", "run", world.campaign, "--out", world.far_store(), "--engine",
                                  "slurm", "--shards", "2"});
    INFO(far.out << far.err);
    REQUIRE(far.code == 0);
    CHECK(contains(far.out, "2 of 2 parts, 1 processor each"));
    CHECK(contains(far.out, "14 of 14 finished"));
    REQUIRE(
        run_program({"campaign", "run", world.campaign, "--out", world.local_store(), "--jobs", "2"}).code ==
        0);
    CHECK(hash_of(world.far_store()) == hash_of(world.local_store()));

    const auto local = world.folder.at("local"), away = (world.away / "study/").string();
    const auto study = run_program({"study", "run", world.study, "--out", away, "--engine", "slurm",
                                    "--shards", "2", "--partition", "large", "--slurm-option=time=10"});
    INFO(study.out << study.err);
    REQUIRE(study.code == 0);
    REQUIRE(run_program({"study", "run", world.study, "--out", local, "--jobs", "2"}).code == 0);
    for (const char* each : {"points.csv", "report.txt"})
        CHECK(content_of(fs::path(away) / each) == content_of(fs::path(local) / each));
    CHECK(contains(content_of(fs::path(local) / "report.txt"), "\nresults      "));
}

TEST_CASE("a campaign whose task was cancelled half way goes on to the same results") {
    const slurm_bench world;
    if (!world.there())
        return;
    const auto started = run_program({"campaign", "run", world.campaign, "--out", world.far_store(),
                                      "--engine", "slurm", "--shards", "2", "--no-wait"});
    INFO(started.out << started.err);
    REQUIRE(started.code == 0);
    CHECK_FALSE(contains(started.out, "finished"));
    const auto part = world.far_store() + ".parts/part1.sqlite";
    stop_after_first_result(part);
    REQUIRE(run_command({"scancel", first_number(started.out) + "_1"}).ok());

    const auto waited = run_program({"campaign", "resume", world.far_store(), "--engine", "slurm"});
    INFO(waited.out << waited.err);
    CHECK(waited.code == 2);
    CHECK(contains(waited.out, "are there already"));
    CHECK(contains(waited.err, "far.sqlite.parts/task1.log: task 1 of job "));
    CHECK(contains(waited.err, "CANCELLED"));
    CHECK_FALSE(contains(waited.err, "task0.log"));
    const auto left = finished_in(part);
    REQUIRE(left);
    REQUIRE(*left > 0);
    REQUIRE(*left < 7);
    CHECK(finished_in(world.far_store()) == 0);
    const auto status = run_program({"campaign", "status", world.far_store()});
    CHECK(contains(status.out, "0 of 14 runs finished"));
    CHECK(
        contains(status.out, "far.sqlite.parts: " + std::to_string(7 + *left) + " runs finished in 2 parts"));

    const auto ended = run_program({"campaign", "resume", world.far_store(), "--engine", "slurm"});
    INFO(ended.out << ended.err);
    CHECK(ended.code == 0);
    CHECK(contains(ended.out, "1 of 2 parts"));
    REQUIRE(
        run_program({"campaign", "run", world.campaign, "--out", world.local_store(), "--jobs", "2"}).code ==
        0);
    CHECK(hash_of(world.far_store()) == hash_of(world.local_store()));
}
