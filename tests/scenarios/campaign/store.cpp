#include "scenarios/campaign/store.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sstream>

#include "scenarios/campaign/coordinator.h"
#include "scenarios/campaign/database.h"
#include "scenarios/campaign/sharded_campaign.h"
#include "tests/scenarios/campaign/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;
using mode = campaign_store::access;

namespace {

const std::string some_runs = R"(seeds = 3
null = 2
[variants.a]
[variants.b]
"machine.behaviour" = "hardened"
[strata.torn]
kind = "disk.torn"
target = "v1.disk"
with = { keep = { from = 0, to = 511 } }
sample = { n = 100 }
)";

std::string message_of(const std::function<void()>& work) {
    try {
        work();
        return "";
    } catch (const user_error& error) {
        return error.what();
    }
}

void make(const campaign_directory& folder, const std::filesystem::path& file, const shard& part = {}) {
    make_store(folder.read(), file, part, nullptr, false, check_test_fault);
}

std::uint64_t run(const std::filesystem::path& file, fake_engine& engine,
                  std::optional<std::uint64_t> limit = {}) {
    std::ostringstream out;
    campaign_store store(file, mode::write);
    return run_pending(store, engine, {1, limit}, out, false);
}

std::string hash_of(const std::filesystem::path& file) {
    return campaign_store(file, mode::read).result_hash();
}

}  // namespace

TEST_CASE("a store keeps what was planned and what came of it") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store());
    fake_engine engine;
    CHECK(run(folder.store(), engine) == 204);
    const campaign_store store(folder.store(), mode::read);
    CHECK(store.planned() == 204);
    CHECK(store.finished() == 204);
    CHECK(store.header().name == "campaign");
    CHECK(store.header().variants == std::vector<std::string>{"a", "b"});
    CHECK(store.strata().at(0).population == 3 * 512);
    CHECK(store.worlds().at(1).overrides.at(0).key == "machine.behaviour");
    const auto run = store.find(150);
    REQUIRE(run);
    REQUIRE(run->result);
    const auto expected = fake_engine::result_of(run->where, run->plan);
    CHECK(run->result->fingerprint == expected.fingerprint);
    CHECK(run->result->result.worst == expected.result.worst);
    CHECK(run->result->result.summary == expected.result.summary);
    CHECK(run->result->end == expected.end);
    CHECK(run->result->result.violations.size() == expected.result.violations.size());
    CHECK_FALSE(store.find(205));
}

TEST_CASE("the result hash does not depend on order and limits and interruptions") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store("one"));
    make(folder, folder.store("two"));
    fake_engine engine, other;
    run(folder.store("one"), engine);
    other.backwards = true;
    CHECK(run(folder.store("two"), other, 50) == 50);
    CHECK(hash_of(folder.store("two")) != hash_of(folder.store("one")));
    other.fail_after = 120;
    CHECK_THROWS_AS(run(folder.store("two"), other), std::runtime_error);
    other.fail_after = UINT64_MAX;
    other.backwards = false;
    run(folder.store("two"), other);
    CHECK(other.runs == 204 + 1);  // the one on which it was killed was run again
    CHECK(hash_of(folder.store("two")) == hash_of(folder.store("one")));
    CHECK(run(folder.store("two"), other) == 0);
}

TEST_CASE("parts of a campaign merge to the same results") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store("whole"));
    fake_engine engine;
    run(folder.store("whole"), engine);
    std::vector<std::filesystem::path> parts;
    for (std::uint64_t i = 0; i < 3; ++i) {
        parts.push_back(folder.store(std::to_string(i)));
        make(folder, parts.back(), {i, 3});
        CHECK(run(parts.back(), engine) == 68);
    }
    merge_stores(folder.store("merged"), parts, {});
    CHECK(hash_of(folder.store("merged")) == hash_of(folder.store("whole")));
    CHECK(campaign_store(folder.store("merged"), mode::read).planned() == 204);
    CHECK(message_of([&] { merge_stores(folder.store("merged"), parts, {}); }).find("exists;") !=
          std::string::npos);
}

TEST_CASE("a store is split into parts that keep what is there and merge to the same results") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store("whole"));
    make(folder, folder.store("split"));
    fake_engine engine;
    run(folder.store("whole"), engine);
    run(folder.store("split"), engine, 50);
    const sharded_campaign work(folder.store("split"), "/bin/vtwin");
    CHECK(work.missing() == 154);
    std::vector<std::filesystem::path> parts;
    std::uint64_t there = 0;
    for (std::uint64_t i = 0; i < 5; ++i) {
        parts.push_back(folder.path() / work.part_name(i));
        split_store(folder.store("split"), parts.back(), {i, 5});
        const auto count = work.count_of(folder.path(), {i, 5});
        REQUIRE(count);
        CHECK(count->planned == campaign_store(parts.back(), mode::read).planned());
        there += count->finished;
        CHECK_NOTHROW(work.check_part(folder.path(), {i, 5}));
    }
    CHECK(there == 50);
    const auto before = content_of(folder.store("split"));
    CHECK(message_of([&] {
              merge_stores(folder.store("split"), parts, {true, true});
          }).find("of its 41 runs finished; nothing is merged before all have") != std::string::npos);
    CHECK(content_of(folder.store("split")) == before);
    for (const auto& part : parts)
        run(part, engine);
    CHECK(message_of([&] {
              merge_stores(folder.store("split"), {parts[0], parts[1]}, {true, true});
          }).find("123 of 204 runs are in none of the parts") != std::string::npos);
    merge_stores(folder.store("split"), parts, {true, true});
    CHECK(hash_of(folder.store("split")) == hash_of(folder.store("whole")));
    CHECK(work.missing() == 0);
}

TEST_CASE("only a whole campaign is split and parts of another one are refused") {
    const campaign_directory folder(some_runs), other(some_runs + "# changed\n");
    make(folder, folder.store("part0"), {0, 2});
    CHECK(message_of([&] { sharded_campaign(folder.store("part0"), "vtwin"); }).find("is a part of") !=
          std::string::npos);
    make(other, other.store("whole"));
    const sharded_campaign work(other.store("whole"), "vtwin");
    CHECK(message_of([&] {
              work.check_part(folder.path(), {0, 2});
          }).find("cannot be mixed") != std::string::npos);
    make(other, other.store("part0"), {0, 2});
    CHECK(message_of([&] {
              work.check_part(other.path(), {0, 3});
          }).find("is part 0 of 2, not 0 of 3") != std::string::npos);
    CHECK_FALSE(work.count_of(other.path(), {7, 8}));
}

TEST_CASE("what a batch system is told to run are vtwin's own commands") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store());
    const sharded_campaign work(folder.store(), "/opt/vt win");
    std::string task;
    for (const auto& word : work.task(3, 4))
        task += word.before + (word.numbered ? "N" : "") + word.after + ' ';
    CHECK(task == "/opt/vt win campaign resume partN.sqlite --jobs 4 ");
    CHECK(work.merge(2) == std::vector<std::string>{"/opt/vt win", "campaign", "merge", "--complete",
                                                    "--replace", "--out", folder.store().string(),
                                                    "part0.sqlite", "part1.sqlite"});
    CHECK(work.resume_command() == "vtwin campaign resume '" + folder.store().string() + "' --engine slurm");
}

TEST_CASE("a program that is killed leaves the time that its results took") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store());
    const pid_t child = ::fork();
    if (child == 0) {
        campaign_store store(folder.store(), mode::write);
        store.add_time_spent(std::chrono::milliseconds(700));
        store.add(fake_engine::result_of(store.worlds().at(0), store.pending(1).at(0)));
        store.flush();
        store.add_time_spent(std::chrono::milliseconds(50));  // of a result that is lost
        ::raise(SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    CHECK(campaign_store(folder.store(), mode::read).time_spent() == std::chrono::milliseconds(700));
    campaign_store store(folder.store(), mode::write);
    CHECK(store.finished() == 1);
    store.add_time_spent(std::chrono::milliseconds(5));
    CHECK(store.time_spent() == std::chrono::milliseconds(705));
    CHECK(campaign_store(folder.store(), mode::read).time_spent() == std::chrono::milliseconds(700));
    store.flush();
    CHECK(campaign_store(folder.store(), mode::read).time_spent() == std::chrono::milliseconds(705));
}

TEST_CASE("the coordinator keeps the time with the results and not at the end") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store());
    const pid_t child = ::fork();
    if (child == 0) {
        class slow_engine : public fake_engine {
          public:
            void run(const std::vector<world>& worlds, const std::vector<planned_run>& planned, unsigned,
                     const result_sink& sink) override {
                ::usleep(120'000);  // longer than results wait to be written
                sink(result_of(worlds.at(planned[0].world), planned[0]));
                ::raise(SIGKILL);
            }
        } engine;
        run(folder.store(), engine);
    }
    ::waitpid(child, nullptr, 0);
    const campaign_store store(folder.store(), mode::read);
    CHECK(store.finished() == 1);
    CHECK(store.time_spent() >= std::chrono::milliseconds(120));
}

TEST_CASE("times of parts add up when they are merged") {
    const campaign_directory folder(some_runs);
    std::vector<std::filesystem::path> parts;
    for (std::uint64_t i = 0; i < 2; ++i) {
        parts.push_back(folder.store(std::to_string(i)));
        make(folder, parts.back(), {i, 2});
        campaign_store(parts.back(), mode::write).add_time_spent(std::chrono::milliseconds(100 + i));
    }
    merge_stores(folder.store("merged"), parts, {});
    CHECK(campaign_store(folder.store("merged"), mode::read).time_spent() == std::chrono::milliseconds(201));
}

TEST_CASE("parts that came to different results do not merge") {
    const campaign_directory folder(some_runs);
    for (const char* name : {"one", "two"})
        make(folder, folder.store(name));
    fake_engine engine;
    run(folder.store("one"), engine);
    run(folder.store("two"), engine);
    {
        campaign_store store(folder.store("two"), mode::write);
        auto changed = *store.find(7)->result;
        changed.fingerprint = "other";
        store.add(changed);
    }
    CHECK(message_of([&] {
              merge_stores(folder.store("m"), {folder.store("one"), folder.store("two")}, {});
          }).find("run 7 came to something else than in another part") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.store("m")));
}

TEST_CASE("a store goes on only with the recording that it was made with") {
    campaign_directory folder(some_runs);
    const std::string head = "{\"vtwin_recording\":1,\"tpm\":\"1.2\",\"start\":\"guest\"}\n";
    folder.write("record", head);
    const auto file = folder.path() / "test.toml";
    folder.write("test.toml", content_of(file) + "recording = \"record\"\n");
    const auto before = identity_of(folder.read());
    folder.write("record", head + "{\"operation\":\"power_off\",\"status\":\"done\"}\n");
    CHECK(difference(before, identity_of(folder.read())) ==
          "the scenario or a file that it names has changed since");
    folder.write("record", head);
    CHECK(difference(before, identity_of(folder.read())) == "");
}

TEST_CASE("a store goes on only with the campaign and scenario that it was made with") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store());
    const campaign_store store(folder.store(), mode::read);
    auto same = [&](const campaign_directory& other) {
        return message_of([&] { store.check_same(identity_of(other.read())); });
    };
    CHECK(same(folder) == "");
    folder.write("kernel", "another kernel");
    CHECK(same(folder).find("the scenario or a file that it names has changed since") != std::string::npos);
    folder.write("kernel", "a kernel");
    CHECK(same(folder) == "");
    folder.write("campaign.toml", "scenario = \"test\"\n# a word\n" + some_runs);
    CHECK(same(folder).find("the campaign file has changed since") != std::string::npos);
    auto other = store.header().identity;
    other.program[0] ^= 1;
    CHECK(message_of([&] { store.check_same(other); }).find("another build of vtwin") != std::string::npos);
}

TEST_CASE("a store does not replace other files and has one writer") {
    const campaign_directory folder(some_runs);
    folder.write("store.sqlite", "a letter");
    CHECK(message_of([&] {
              make(folder, folder.store());
          }).find("is no campaign store; it is not replaced") != std::string::npos);
    CHECK(content_of(folder.store()) == "a letter");
    CHECK(message_of([&] { campaign_store(folder.store(), mode::read); }).find("no campaign store") !=
          std::string::npos);
    CHECK(message_of([&] {
              campaign_store(folder.store("none"), mode::read);
          }).find("no such campaign store") != std::string::npos);
    make(folder, folder.store("real"));
    const campaign_store writer(folder.store("real"), mode::write);
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(message_of([&] {
                    campaign_store(folder.store("real"), mode::write);
                }).find("another program is writing to it") == std::string::npos);
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(campaign_store(folder.store("real"), mode::read).finished() == 0);
}

TEST_CASE("a full disk stops a campaign cleanly and it goes on later") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store());
    make(folder, folder.store("other"));
    fake_engine engine;
    ::signal(SIGXFSZ, SIG_IGN);
    const pid_t child = ::fork();
    if (child == 0) {
        // Files may not grow any more: what a full disk does to a writer.
        const rlimit small{40'000, 40'000};
        ::setrlimit(RLIMIT_FSIZE, &small);
        const auto message = message_of([&] { run(folder.store(), engine); });
        ::_exit(message.find("finished runs are kept") == std::string::npos);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    CHECK(campaign_store(folder.store(), mode::read).finished() < 204);
    run(folder.store(), engine);
    run(folder.store("other"), engine);
    CHECK(hash_of(folder.store()) == hash_of(folder.store("other")));
}

TEST_CASE("a program that is killed loses no run that was written") {
    const campaign_directory folder(some_runs);
    make(folder, folder.store());
    const pid_t child = ::fork();
    if (child == 0) {
        campaign_store store(folder.store(), mode::write);
        for (const auto& each : store.pending(50))
            store.add(fake_engine::result_of(store.worlds().at(each.world), each));
        store.flush();
        ::kill(::getpid(), SIGKILL);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    campaign_store store(folder.store(), mode::write);
    CHECK(store.finished() == 50);
    CHECK(store.pending(1000).size() == 154);
}

TEST_CASE("a merge does not replace the store of another campaign") {
    const campaign_directory folder(some_runs), other(some_runs + "# changed\n");
    fake_engine engine;
    make(folder, folder.store("part"));
    run(folder.store("part"), engine);
    make(other, other.store());
    const auto before = content_of(other.store());
    CHECK(message_of([&] {
              merge_stores(other.store(), {folder.store("part")}, {true, true});
          }).find("cannot be mixed") != std::string::npos);
    CHECK(content_of(other.store()) == before);
}

TEST_CASE("a store stays when the one that replaces it cannot be moved there") {
    const temporary_directory folder;
    const std::filesystem::path store = folder.write("store", "results");
    folder.write("store-wal", "of before");
    CHECK(message_of([&] { move_database(folder.path() / "none", store); }).find("cannot be made") !=
          std::string::npos);
    CHECK(content_of(store) == "results");
    move_database(folder.write("new", "more results"), store);
    CHECK(content_of(store) == "more results");
    CHECK_FALSE(std::filesystem::exists(folder.path() / "store-wal"));
}
