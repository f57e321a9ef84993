#include <catch2/catch.hpp>

#include "tests/hypervisor/xenstore/store_bench.h"

using namespace vtwin::xen;
using namespace vtwin::xen::test;
using lines = std::vector<std::string>;

TEST_CASE("a new watch fires once after its reply even without a node") {
    store_bench bench;
    CHECK(bench.ask(xs_op::watch, "/nowhere|token|") == "OK|");
    CHECK(bench.events() == lines{"/nowhere|token| after reply"});
    CHECK(bench.ask(xs_op::watch, "/nowhere|token|") == "ERROR EEXIST");
    CHECK(bench.ask(xs_op::watch, "/nowhere|other|") == "OK|");
    CHECK(bench.ask(xs_op::unwatch, "/nowhere|token|") == "OK|");
    CHECK(bench.ask(xs_op::unwatch, "/nowhere|token|") == "ERROR ENOENT");
}

TEST_CASE("the event of an own write precedes its reply") {
    store_bench bench;
    bench.ask(xs_op::watch, "/a|w|");
    bench.events();
    bench.ask(xs_op::write, "/a/b/c|1");
    CHECK(bench.events() == lines{"/a/b/c|w|"});  // no "after reply", nothing for the implicit parents
    bench.ask(xs_op::mkdir, "/a/b|");
    CHECK(bench.events().empty());
}

TEST_CASE("removal of a subtree fires its top for ancestors and exact watches below") {
    store_bench bench;
    bench.ask(xs_op::write, "/fe/0/state|4");
    bench.ask(xs_op::write, "/fe/0/ring-ref|8");
    bench.ask(xs_op::watch, "/fe|above|");
    bench.ask(xs_op::watch, "/fe/0/state|exact|");
    bench.ask(xs_op::watch, "/fe/0|top|");
    bench.events();
    bench.ask(xs_op::rm, "/fe/0|");
    CHECK(bench.events() == lines{"/fe/0/state|exact|", "/fe/0|above|", "/fe/0|top|"});
}

TEST_CASE("events of a relative watch come back relative") {
    store_bench bench;
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    bench.ask(fe, xs_op::watch, "device|w|");
    CHECK(bench.events(fe) == lines{"guest device|w| after reply"});
    bench.ask(fe, xs_op::write, "device/vtpm/0/state|3");
    CHECK(bench.events(fe) == lines{"guest device/vtpm/0/state|w|"});
}

TEST_CASE("a watch is blind to what its owner may not read") {
    store_bench bench;
    make_vtpm_device(bench);
    auto& fe = bench.guest(1);
    bench.ask(fe, xs_op::watch, "/|all|");
    bench.events(fe);
    bench.ask(xs_op::write, "/local/domain/0/secret|1");
    CHECK(bench.events(fe).empty());
    bench.ask(xs_op::write, "/local/domain/2/backend/vtpm/1/0/state|2");
    CHECK(bench.events(fe) == lines{"guest /local/domain/2/backend/vtpm/1/0/state|all|"});
    bench.ask(xs_op::rm, "/local/domain/2/backend/vtpm/1/0|");
    CHECK(bench.events(fe) == lines{"guest /local/domain/2/backend/vtpm/1/0|all|"});
}

TEST_CASE("depth limits a watch and equal events in the queue are one") {
    store_bench bench;
    auto& fe = bench.guest(1);
    bench.ask(xs_op::mkdir, "/p|");
    bench.ask(xs_op::set_perms, "/p|r0|");
    bench.ask(fe, xs_op::watch, "/p|flat|1|");
    bench.events(fe);
    bench.ask(xs_op::write, "/p/a|1");
    bench.ask(xs_op::write, "/p/a|2");
    bench.ask(xs_op::write, "/p/a/deep|2");
    CHECK(bench.events(fe) == lines{"guest /p/a|flat|"});
    CHECK(bench.ask(fe, xs_op::watch, "/p|bad|x|") == "ERROR EINVAL");
}

TEST_CASE("domains coming and going are told to those who may know") {
    store_bench bench;
    auto& fe = bench.guest(1);
    bench.ask(xs_op::watch, "@introduceDomain|i|");
    bench.ask(xs_op::watch, "@releaseDomain|r|");
    bench.ask(xs_op::watch, "@releaseDomain|d|1|");
    bench.ask(fe, xs_op::watch, "@introduceDomain|i|");
    bench.ask(fe, xs_op::watch, "@releaseDomain|r|");
    bench.events();
    bench.events(fe);
    CHECK(bench.ask(xs_op::introduce, "1|2|3|") == "OK|");
    CHECK(bench.events() == lines{"@introduceDomain|i|"});
    bench.server.announce_released(domid_t{1});
    CHECK(bench.events() == lines{"@releaseDomain|r|", "@releaseDomain/1|d|"});
    CHECK(bench.events(fe) == lines{"guest @releaseDomain|r|"});
}

TEST_CASE("resetting watches ends them and the transactions") {
    store_bench bench;
    bench.ask(xs_op::watch, "/a|w|");
    bench.ask(xs_op::transaction_start, "|");
    bench.events();
    CHECK(bench.ask(xs_op::reset_watches, "|") == "OK|");
    bench.ask(xs_op::write, "/a|1");
    CHECK(bench.events().empty());
    CHECK(bench.ask(xs_op::read, "/a|", 1) == "ERROR ENOENT");
}
