// Control requests with files beside them.
#include "scenarios/live/doors/swtpm_requests.h"

#include <fcntl.h>

#include "tests/scenarios/live/doors/socket_bench.h"

using namespace vtwin;
using namespace vtwin::scenario::live;
using namespace vtwin::scenario::test;

namespace {

struct heard {
    swtpm::reading::kind what;
    bool file;
};
asio::awaitable<void> hear(swtpm::request_reader& from, std::vector<heard>& into) {
    while (true) {
        const std::optional<swtpm::reading> seen = co_await from.next();
        if (!seen)
            co_return;
        const bool file = from.take_file().has_value();
        into.push_back({seen->what, file});
    }
}

}  // namespace

TEST_CASE("one file comes with a control request and of many none is kept while it is incomplete") {
    const int file = ::open("/dev/null", O_RDWR);
    socket_bench bench;
    swtpm::request_reader requests(bench.door);
    std::vector<heard> seen;
    bench.spawn(hear(requests, seen));
    const int before = open_files();
    bench.send("000000", {file});
    CHECK(open_files() == before + 1);
    bench.send("10");
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].what == swtpm::reading::kind::complete);
    CHECK(seen[0].file);
    CHECK(open_files() == before);
    // HASH_DATA of a mebioctet, octet by octet, with as many files beside each as a message can have.
    bench.send("0000000700100000");
    for (int i = 0; i < 100; ++i) {
        bench.send("61", std::vector<int>(8, file));
        REQUIRE(open_files() <= before + 1);
    }
    CHECK(seen.size() == 1);
    bench.leave();
    CHECK(open_files() == before - 1);
    ::close(file);
}

TEST_CASE("what one control request left is nothing to the next") {
    const int file = ::open("/dev/null", O_RDWR);
    socket_bench bench;
    swtpm::request_reader requests(bench.door);
    std::vector<heard> seen;
    bench.spawn(hear(requests, seen));
    bench.send("00000010", {file, file});
    bench.send("00000010");
    bench.send("0000001000", {file});
    bench.send("00000000", {file});
    bench.send("00000010");
    REQUIRE(seen.size() == 5);
    CHECK_FALSE(seen[0].file);
    CHECK_FALSE(seen[1].file);
    CHECK(seen[2].file);
    CHECK(seen[3].what == swtpm::reading::kind::refused);
    CHECK_FALSE(seen[4].file);
    ::close(file);
}
