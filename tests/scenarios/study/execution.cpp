#include "scenarios/study/execution.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include <csignal>
#include <fstream>
#include <sstream>

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

TEST_CASE("a wrong key in any setting is found before anything runs") {
    bench world;
    world.write("s.toml", "scenario = \"test\"\n[[sweep]]\nkey = \"machine.pcpus\"\nvalues = [1, 100]\n");
    const auto wrong = read_study(world.study_file);
    CHECK_THROWS_WITH(execute(wrong, world.options, world.simulate, world.out),
                      Catch::Contains("s.toml:2: machine.pcpus: expected"));
    CHECK_FALSE(std::filesystem::exists(world.options.out));
}
