#include "scenarios/batch/job_script.h"

#include <catch2/catch.hpp>

#include "scenarios/batch/command.h"
#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

const std::string unfriendly = "it's \"50% $HOME\" \\n `id` *";

struct script_bench : temporary_directory {
    std::string folder = (path() / unfriendly).string();
    script_bench() {
        std::filesystem::create_directories(folder);
        ::setenv("SLURM_JOB_ID", "12", 1);
        ::setenv("SLURM_ARRAY_TASK_ID", "7", 1);
    }
    int run(const std::vector<task_word>& command, const task_word& log = {"log", false, ""}) {
        return run_command({"sh", write("script", job_script(folder, log, command))}).code;
    }
    std::string log(const std::string& name = "log") const {
        return content_of(std::filesystem::path(folder) / name);
    }
};

}  // namespace

TEST_CASE("a script's words and folder arrive as they are") {
    script_bench world;
    const std::vector<task_word> words = {{"printf"}, {"%s\n"}, {unfriendly}, {""}, {"a\nb"}};
    CHECK(world.run(words) == 0);
    CHECK(world.log().ends_with("\n" + unfriendly + "\n\na\nb\n"));
    CHECK(world.run({{"pwd"}}) == 0);
    CHECK(world.log().ends_with("\n" + world.folder + "\n"));  // added to what was there
    CHECK(world.log().find("a\nb\n") != std::string::npos);
}

TEST_CASE("the number of a task stands where it is asked for") {
    script_bench world;
    CHECK(world.run({{"printf"}, {"%s\n"}, {"it's ", true, " $x"}, {"", true, "/9"}, {"p", true}},
                    {"task", true, ".log"}) == 0);
    CHECK(world.log("task7.log").ends_with("\nit's 7 $x\n7/9\np7\n"));
}

TEST_CASE("a script's code tells results from failures and a folder that is not there") {
    script_bench world;
    CHECK(world.run({{"sh"}, {"-c"}, {"exit 1"}}) == 0);
    CHECK(world.run({{"sh"}, {"-c"}, {"exit 2"}}) == 2);
    CHECK(world.run({{"sh"}, {"-c"}, {"kill -9 $$"}}) == 137);
    std::filesystem::remove_all(world.folder);
    CHECK(world.run({{"true"}}) == 78);
}

TEST_CASE("numbers of tasks are told as ranges") {
    CHECK(number_ranges({}) == "");
    CHECK(number_ranges({4}) == "4");
    CHECK(number_ranges({0, 1, 2, 3, 7, 9, 10}) == "0-3,7,9-10");
}
