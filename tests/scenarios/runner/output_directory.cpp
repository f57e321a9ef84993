#include "scenarios/runner/output_directory.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "scenarios/schema/problem.h"
#include "tests/scenarios/support.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;
namespace fs = std::filesystem;

TEST_CASE("an output directory appears at once and replaces an earlier one") {
    temporary_directory folder;
    fs::path place = folder.path() / "deep" / "out";
    {
        output_directory first(place);
        first.write("result.json", "1");
        first.write("evidence/g1/quote", "q");
        CHECK_FALSE(fs::exists(place));
        CHECK(first.files() == std::vector<std::string>{"evidence/g1/quote", "result.json"});
        CHECK(content_of(first.working_place() / "evidence/g1/quote") == "q");
        first.commit();
    }
    CHECK(content_of(place / "evidence/g1/quote") == "q");
    {
        output_directory second(place / "");
        second.write("result.json", "2");
        second.commit();
    }
    CHECK(content_of(place / "result.json") == "2");
    CHECK_FALSE(fs::exists(place / "evidence"));
    CHECK_FALSE(fs::exists(folder.path() / "deep" / "out.tmp"));
    CHECK_FALSE(fs::exists(folder.path() / "deep" / "out.old"));
}

TEST_CASE("an output directory that is not committed leaves nothing") {
    temporary_directory folder;
    {
        output_directory given_up(folder.path() / "out");
        given_up.write("result.json", "1");
    }
    CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("an incomplete output directory says so") {
    temporary_directory folder;
    output_directory directory(folder.path() / "out");
    directory.keep_incomplete("the power failed");
    CHECK(content_of(folder.path() / "out" / "INCOMPLETE") == "the power failed\n");
    CHECK_NOTHROW(output_directory(folder.path() / "out").commit());
}

TEST_CASE("other people's folders and files are not replaced") {
    temporary_directory folder;
    folder.write("mine/letter.txt", "dear");
    fs::path mine = folder.path() / "mine";
    CHECK_THROWS_WITH(output_directory(mine),
                      mine.string() + ": cannot write the output: it exists and is not the output of a run");
    CHECK_THROWS_AS(output_directory(mine / "letter.txt"), user_error);
    CHECK(content_of(mine / "letter.txt") == "dear");
}

TEST_CASE("a place that cannot be written is the user's mistake and leaves nothing") {
    // A folder below a file cannot be made, not even by root.
    temporary_directory folder;
    std::string file = folder.write("file", "");
    CHECK_THROWS_AS(output_directory(fs::path(file) / "out"), user_error);
    if (::geteuid() != 0) {
        fs::create_directory(folder.path() / "locked");
        fs::permissions(folder.path() / "locked", fs::perms::owner_read | fs::perms::owner_exec);
        CHECK_THROWS_AS(output_directory(folder.path() / "locked" / "out"), user_error);
    }
    CHECK_THROWS_AS(output_directory("/proc/vtwin-out"), user_error);
    CHECK_FALSE(fs::exists("/proc/vtwin-out"));
}

TEST_CASE("a write that the disk refuses is the user's mistake and leaves nothing") {
    temporary_directory folder;
    {
        output_directory directory(folder.path() / "out");
        fs::create_symlink("/dev/full", directory.working_place() / "big");
        CHECK_THROWS_WITH(directory.write("big", std::string(100'000, 'x')),
                          Catch::Contains("cannot write the output: No space left on device"));
    }
    CHECK(fs::is_empty(folder.path()));
}
