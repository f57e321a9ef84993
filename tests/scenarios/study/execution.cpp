#include "scenarios/study/execution.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <array>
#include <cmath>
#include <csignal>
#include <fstream>
#include <sstream>

#include "scenarios/campaign/database.h"
#include "scenarios/study/sharded_study.h"
#include "tests/scenarios/support.h"

using namespace vtwin;
using namespace vtwin::scenario;
using namespace vtwin::scenario::study;
using namespace vtwin::scenario::test;

namespace {

constexpr const char* text = R"(
scenario = "test"
replications = 2
first_seed = 10
[[sweep]]
key = "machine.pcpus"
values = [1, 2, 3]
)";

/// Seed and number of CPUs as figures; notes each call in a file, since it happens in another process.
struct fake {
    std::filesystem::path log;
    point_result operator()(const models::run_config& config) const {
        std::ofstream(log, std::ios::app) << config.machine.pcpus << ' ' << config.seed << '\n';
        point_result result;
        result.values = {{"cpus", config.machine.pcpus}, {"third", static_cast<double>(config.seed) / 3}};
        result.latencies = {1, 2, 3};
        return result;
    }
    std::size_t calls() const { return static_cast<std::size_t>(std::ranges::count(content_of(log), '\n')); }
};

struct bench : small_scenario_directory {
    std::string study_file = write("s.toml", text);
    study::study what = read_study(study_file);
    fake simulate{path() / "log"};
    execution_options options{path() / "out", 2, true};
    std::ostringstream out;
};

}  // namespace

TEST_CASE("every setting runs with every seed and figures arrive as they were") {
    bench world;
    const auto summary = execute(world.what, world.options, world.simulate, world.out);
    CHECK(summary.done == 6);
    CHECK(summary.failed == 0);
    const auto points = results(world.options.out / "study.db", world.what, false).all();
    REQUIRE(points.size() == 6);
    CHECK(points[3].setting == 1);
    CHECK(points[3].seed == 11);
    CHECK(points[3].values.at("cpus") == 2);
    CHECK(points[3].values.at("third") == 11.0 / 3);
    CHECK(points[3].quantiles.size() == 201);
    CHECK(points[3].quantiles.back() == 3);
    CHECK(
        content_of(world.options.out / "points.csv")
            .starts_with(
                "setting,seed,machine.pcpus,metric,value\n0,10,1,cpus,1\n0,10,1,third,3.3333333333333335\n"));
    CHECK(world.out.str().find("[6/6]") != std::string::npos);
}

TEST_CASE("a study goes on where it was and the order of ends does not show") {
    bench world;
    execute(world.what, world.options, world.simulate, world.out);
    const std::string first = content_of(world.options.out / "points.csv");
    CHECK(execute(world.what, world.options, world.simulate, world.out).skipped == 6);
    CHECK(world.simulate.calls() == 6);

    bench other;
    {
        results partly(other.path() / "study.db", other.what, true);
        stored_point there;
        there.setting = 1;
        there.seed = 10;
        there.values = {{"cpus", 2}, {"third", 10.0 / 3}};
        partly.add(there, "");
    }
    other.options = {other.path(), 1, false};
    const auto summary = execute(other.what, other.options, other.simulate, other.out);
    CHECK(summary.skipped == 1);
    CHECK(summary.done == 5);
    CHECK(other.out.str().empty());
    CHECK(content_of(other.path() / "points.csv") == first);
}

TEST_CASE("a run that crashes or fails is kept with its problem and the others go on") {
    bench world;
    const auto bad = [&](const models::run_config& config) {
        if (config.machine.pcpus == 1)
            ::raise(SIGKILL);
        if (config.machine.pcpus == 2)
            throw std::runtime_error("no such luck");
        return world.simulate(config);
    };
    const auto summary = execute(world.what, world.options, bad, world.out);
    CHECK(summary.done == 6);
    CHECK(summary.failed == 4);
    const auto points = results(world.options.out / "study.db", world.what, false).all();
    CHECK(points[0].problem == "the process was ended by signal 9 (Killed)");
    CHECK(points[2].problem == "no such luck");
    CHECK(points[4].problem.empty());
}

TEST_CASE("results of another study are not mixed in") {
    bench world;
    execute(world.what, world.options, world.simulate, world.out);
    world.write("s.toml", std::string(text) + "\n[base]\n\"machine.xsm\" = false\n");
    const auto changed = read_study(world.study_file);
    CHECK_THROWS_WITH(execute(changed, world.options, world.simulate, world.out),
                      Catch::Contains("results of another study"));
    std::ofstream(world.path() / "junk.db") << std::string(5000, 'x');
    CHECK_THROWS_WITH(results(world.path() / "junk.db", world.what, true),
                      Catch::Contains("store of results"));
    CHECK_THROWS_WITH(results(world.path() / "none.db", world.what, false), Catch::Contains("no such file"));
}

TEST_CASE("a point that its study does not have is refused with the name of the file") {
    bench world;
    const auto file = world.path() / "study.db";
    const auto holding = [&](std::size_t setting, std::uint64_t seed) {
        std::filesystem::remove(file);
        stored_point point;
        point.setting = setting;
        point.seed = seed;
        results(file, world.what, true).add(point, "");
    };
    for (const point_place place : {point_place{0, 10}, point_place{2, 11}}) {
        holding(place.setting, place.seed);
        CHECK(results(file, world.what, false).all().size() == 1);
    }
    for (const point_place place :
         {point_place{3, 10}, point_place{SIZE_MAX, 10}, point_place{0, 9}, point_place{2, 12}}) {
        holding(place.setting, place.seed);
        CHECK_THROWS_WITH(
            results(file, world.what, false).all(),
            Catch::Contains(file.string()) &&
                Catch::EndsWith(fmt::format("holds a point with setting {} and seed {}; the study has "
                                            "settings 0 to 2 and seeds 10 to 11",
                                            place.setting, place.seed)));
    }
    CHECK_THROWS_AS(merge_results(world.path() / "merged.db", {file}, world.what, false), user_error);
    CHECK_THROWS_AS(split_results(file, world.path() / "part.db", world.what, {}), user_error);
}

TEST_CASE("a wrong key in any setting is found before anything runs") {
    bench world;
    world.write("s.toml", "scenario = \"test\"\n[[sweep]]\nkey = \"machine.pcpus\"\nvalues = [1, 100]\n");
    const auto wrong = read_study(world.study_file);
    CHECK_THROWS_WITH(execute(wrong, world.options, world.simulate, world.out),
                      Catch::Contains("s.toml:2: machine.pcpus: expected"));
    CHECK_FALSE(std::filesystem::exists(world.options.out));
}

TEST_CASE("parts of a study merge to the same figures") {
    bench world;
    execute(world.what, world.options, world.simulate, world.out);
    const auto whole = results(world.options.out / "study.db", world.what, false).all();
    const auto merged = world.path() / "merged.db";
    std::vector<std::filesystem::path> parts;
    for (std::uint64_t i = 0; i < 4; ++i) {
        const auto folder = world.path() / std::to_string(i);
        parts.push_back(folder / "study.db");
        const auto ran = execute(world.what, {folder, 1, false, {i, 4}}, world.simulate, world.out);
        CHECK(ran.done == (i < 2 ? 2 : 1));
        CHECK(points_in(parts.back()) == ran.done);
    }
    CHECK_THROWS_WITH(merge_results(merged, {parts[0], parts[2]}, world.what, true),
                      Catch::EndsWith("nothing is merged: 3 of 6 points are in none of the parts "
                                      "(machine.pcpus=1, seed 11, ...)"));
    CHECK_FALSE(std::filesystem::exists(merged));
    merge_results(merged, {parts[0], parts[2]}, world.what, false);
    merge_results(merged, {parts[3], parts[1], parts[0]}, world.what, true);
    const auto points = results(merged, world.what, false).all();
    CHECK(csv_of(world.what, points) == csv_of(world.what, whole));
    CHECK(result_hash(world.what, points) == result_hash(world.what, whole));
    CHECK(points.at(5).quantiles == whole.at(5).quantiles);
}

TEST_CASE("the result hash of a study is over every figure") {
    bench world;
    execute(world.what, world.options, world.simulate, world.out);
    auto points = results(world.options.out / "study.db", world.what, false).all();
    const auto hash = result_hash(world.what, points);
    CHECK(hash.size() == 64);
    std::ranges::reverse(points);
    CHECK(result_hash(world.what, points) == hash);
    auto changed = points;
    changed[2].quantiles[100] += 1;
    CHECK(result_hash(world.what, changed) != hash);
    changed = points;
    changed[2].values["third"] = std::nextafter(changed[2].values["third"], 0);
    CHECK(result_hash(world.what, changed) != hash);
    points.pop_back();
    CHECK(result_hash(world.what, points) != hash);
}

TEST_CASE("parts of a study that came to different figures or are of another one do not merge") {
    bench world;
    execute(world.what, world.options, world.simulate, world.out);
    const auto other = world.path() / "other.db", merged = world.path() / "merged.db";
    {
        results differs(other, world.what, true);
        stored_point point;
        point.setting = 1;
        point.seed = 11;
        point.values = {{"cpus", 3}};
        differs.add(point, "");
    }
    const auto there = world.options.out / "study.db";
    CHECK_THROWS_WITH(
        merge_results(merged, {there, other}, world.what, false),
        Catch::EndsWith("machine.pcpus=2, seed 11 came to something else than in another part"));
    CHECK_FALSE(std::filesystem::exists(merged));
    world.write("s.toml", std::string(text) + "\n[base]\n\"machine.xsm\" = false\n");
    CHECK_THROWS_WITH(merge_results(merged, {there}, read_study(world.study_file), false),
                      Catch::Contains("results of another study"));
    CHECK_THROWS_WITH(merge_results(merged, {world.path() / "none.db"}, world.what, false),
                      Catch::Contains("no such file"));
}

TEST_CASE("a study is split into parts that keep what is there") {
    bench world;
    const auto out = world.path() / "out";
    sharded_study work(world.what, world.study_file, world.path() / "out/", "/opt/vt win");
    CHECK(work.out() == out);
    CHECK(work.missing() == 6);
    execute(world.what, {out, 1, false, {0, 3}}, world.simulate, world.out);  // points 0 and 3
    CHECK(work.missing() == 4);
    const auto folder = world.path() / "parts";
    std::filesystem::create_directories(folder);
    work.split(folder, 4);
    std::vector<std::uint64_t> finished, planned;
    for (std::uint64_t i = 0; i < 4; ++i) {
        const auto count = work.count_of(folder, {i, 4});
        REQUIRE(count);
        finished.push_back(count->finished);
        planned.push_back(count->planned);
        CHECK_NOTHROW(work.check_part(folder, {i, 4}));
    }
    CHECK(finished == std::vector<std::uint64_t>{1, 0, 0, 1});
    CHECK(planned == std::vector<std::uint64_t>{2, 2, 1, 1});
    std::filesystem::remove_all(folder / "part2");
    std::filesystem::copy(folder / "part3", folder / "part2");
    CHECK_THROWS_WITH(work.check_part(folder, {2, 4}), Catch::EndsWith("is not part 2 of 4"));
    CHECK_FALSE(work.count_of(folder, {4, 5}));
    std::string task;
    for (const auto& word : work.task(4, 2))
        task += word.before + (word.numbered ? "N" : "") + word.after + ' ';
    CHECK(task == "/opt/vt win study run " + world.study_file + " --out partN --shard N/4 --jobs 2 ");
    CHECK(work.merge(2) == std::vector<std::string>{"/opt/vt win", "study", "merge", world.study_file,
                                                    "--complete", "--out", out.string(), "part0", "part1"});
}

TEST_CASE("a point outlives the signal that is meant for the whole study") {
    bench world;
    const auto slow = [&](const models::run_config& config) {
        ::kill(::getpid(), SIGTERM);  // as a batch system does to every process of a job
        return world.simulate(config);
    };
    CHECK(execute(world.what, world.options, slow, world.out).failed == 0);
}

TEST_CASE("two programs do not run or merge the same part of a study") {
    bench world;
    std::filesystem::create_directories(world.options.out);
    std::array<int, 2> locked{}, end{};
    REQUIRE(::pipe(locked.data()) == 0);
    REQUIRE(::pipe(end.data()) == 0);
    const pid_t other = ::fork();
    if (other == 0) {
        const writer_lock alone(world.options.out / "study.db");
        char c = 0;
        ::close(end[1]);
        (void)!::write(locked[1], &c, 1);
        (void)!::read(end[0], &c, 1);
        ::_exit(0);
    }
    char c = 0;
    REQUIRE(::read(locked[0], &c, 1) == 1);
    CHECK_THROWS_WITH(execute(world.what, world.options, world.simulate, world.out),
                      Catch::EndsWith("another program is writing to it"));
    CHECK_THROWS_WITH(merge_results(world.options.out / "study.db", {}, world.what, false),
                      Catch::EndsWith("another program is writing to it"));
    ::close(end[1]);
    ::waitpid(other, nullptr, 0);
    CHECK(execute(world.what, world.options, world.simulate, world.out).failed == 0);
}
