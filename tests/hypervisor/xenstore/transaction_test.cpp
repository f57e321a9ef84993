#include <catch2/catch.hpp>

#include "tests/hypervisor/xenstore/store_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;

TEST_CASE("a transaction is seen by nobody before its commit") {
    store_bench bench;
    bench.ask(xs_op::write, "/a|old");
    REQUIRE(bench.ask(xs_op::transaction_start, "|") == "1|");
    CHECK(bench.ask(xs_op::write, "/a|new", 1) == "OK|");
    CHECK(bench.ask(xs_op::write, "/b/c|x", 1) == "OK|");
    CHECK(bench.ask(xs_op::read, "/a|", 1) == "new");
    CHECK(bench.ask(xs_op::read, "/a|") == "old");
    CHECK(bench.ask(xs_op::read, "/b/c|") == "ERROR ENOENT");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "OK|");
    CHECK(bench.ask(xs_op::read, "/a|") == "new");
    CHECK(bench.ask(xs_op::directory, "/|") == "tool|a|b|");
}

TEST_CASE("an aborted transaction leaves nothing and fires nothing") {
    store_bench bench;
    bench.ask(xs_op::watch, "/|w|");
    bench.events();
    bench.ask(xs_op::transaction_start, "|");
    bench.ask(xs_op::write, "/a|1", 1);
    CHECK(bench.ask(xs_op::transaction_end, "F|", 1) == "OK|");
    CHECK(bench.events().empty());
    CHECK(bench.ask(xs_op::read, "/a|") == "ERROR ENOENT");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "ERROR ENOENT");
}

TEST_CASE("reads come from the snapshot and a changed node ends in EAGAIN") {
    store_bench bench;
    bench.ask(xs_op::write, "/a|1");
    bench.ask(xs_op::write, "/other|1");
    bench.ask(xs_op::transaction_start, "|");
    CHECK(bench.ask(xs_op::read, "/a|", 1) == "1");
    bench.ask(xs_op::write, "/mine|1", 1);
    bench.ask(xs_op::write, "/a|2");
    CHECK(bench.ask(xs_op::read, "/a|", 1) == "1");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "ERROR EAGAIN");
    CHECK(bench.ask(xs_op::read, "/mine|") == "ERROR ENOENT");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "ERROR ENOENT");
}

TEST_CASE("changes beside a transaction do not disturb it") {
    store_bench bench;
    bench.ask(xs_op::write, "/a|1");
    bench.ask(xs_op::write, "/other|1");
    bench.ask(xs_op::transaction_start, "|");
    bench.ask(xs_op::write, "/a|2", 1);
    bench.ask(xs_op::write, "/other|2");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "OK|");
}

TEST_CASE("absence that was looked at counts as read") {
    store_bench bench;
    bench.ask(xs_op::transaction_start, "|");
    CHECK(bench.ask(xs_op::read, "/a|", 1) == "ERROR ENOENT");
    bench.ask(xs_op::write, "/a|1");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "ERROR EAGAIN");
}

TEST_CASE("two transactions that add to one directory conflict") {
    store_bench bench;
    bench.ask(xs_op::mkdir, "/d|");
    bench.ask(xs_op::transaction_start, "|");
    bench.ask(xs_op::transaction_start, "|");
    CHECK(bench.ask(xs_op::write, "/d/x|1", 1) == "OK|");
    CHECK(bench.ask(xs_op::write, "/d/y|1", 2) == "OK|");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "OK|");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 2) == "ERROR EAGAIN");
    CHECK(bench.ask(xs_op::directory, "/d|") == "x|");
}

TEST_CASE("misused transaction requests are refused") {
    store_bench bench;
    bench.ask(xs_op::transaction_start, "|");
    CHECK(bench.ask(xs_op::transaction_start, "|", 1) == "ERROR EBUSY");
    CHECK(bench.ask(xs_op::transaction_end, "X|", 1) == "ERROR EINVAL");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "OK|");
    CHECK(bench.ask(xs_op::transaction_end, "T|") == "ERROR ENOENT");
}

TEST_CASE("too many nodes in a transaction answer ENOSPC and fail it") {
    store_quotas quotas;
    quotas.transaction_nodes = 6;
    store_bench bench(quotas);
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    bench.ask(fe, xs_op::transaction_start, "|");
    std::string last = "OK|";
    int writes = 0;
    for (; last == "OK|" && writes < 10; ++writes) {
        last = bench.ask(fe, xs_op::write, "device/vtpm/0/k" + std::to_string(writes) + "|1", 1);
    }
    CHECK(last == "ERROR ENOSPC");
    CHECK(writes == 5);  // 4 new nodes and their parent make 5 = 6 - 1
    CHECK(bench.ask(fe, xs_op::transaction_end, "T|", 1) == "ERROR ENOMEM");
}

TEST_CASE("events of a commit come once per node in the order of first access") {
    store_bench bench;
    bench.ask(xs_op::write, "/dev/state|4");
    bench.ask(xs_op::watch, "/dev|w|");
    bench.events();
    bench.ask(xs_op::transaction_start, "|");
    bench.ask(xs_op::read, "/dev/state|", 1);
    bench.ask(xs_op::write, "/dev/online|0", 1);
    bench.ask(xs_op::write, "/dev/state|5", 1);
    bench.ask(xs_op::write, "/dev/deep/er/x|5", 1);
    bench.ask(xs_op::transaction_end, "T|", 1);
    CHECK(bench.events() == std::vector<std::string>{"/dev/state|w|", "/dev/online|w|", "/dev/deep/er/x|w|"});
}

TEST_CASE("a transaction survives a child that went between two looks") {
    store_bench bench;
    bench.ask(xs_op::write, "/d/x|1");
    bench.ask(xs_op::transaction_start, "|");
    CHECK(bench.ask(xs_op::directory, "/d|", 1) == "x|");
    bench.ask(xs_op::rm, "/d/x|");
    CHECK(bench.ask(xs_op::rm, "/d|", 1) == "OK|");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 1) == "ERROR EAGAIN");
    CHECK(bench.ask(xs_op::directory, "/d|").empty());

    bench.ask(xs_op::transaction_start, "|");
    CHECK(bench.ask(xs_op::read, "/e|", 2) == "ERROR ENOENT");
    bench.ask(xs_op::write, "/e/x|1");
    CHECK(bench.ask(xs_op::rm, "/e/x|", 2) == "OK|");
    CHECK(bench.ask(xs_op::transaction_end, "T|", 2) == "ERROR EAGAIN");
    CHECK(bench.ask(xs_op::read, "/e/x|") == "1");
}
