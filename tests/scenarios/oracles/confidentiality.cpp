#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

TEST_CASE("I-C1 catches a third domain that maps the page of a ring") {
    oracle_bench good("I-C1"), bad("I-C1");
    good << seen::grant_mapping{s(1), "v1", "g1", 9, 77, true}
         << seen::grant_mapping{s(2), "dom0", "g1", 8, 78, true};
    good << seen::grant_mapping{s(3), "v1", "g1", 9, 77, false}
         << seen::grant_mapping{s(4), "dom0", "g1", 9, 77, true};
    CHECK(good.quiet());
    bad << seen::grant_mapping{s(1), "v1", "g1", 9, 77, true}
        << seen::grant_mapping{s(2), "dom0", "g1", 9, 77, true};
    CHECK(bad.caught("dom0"));
}

TEST_CASE("I-C2 catches a state key in XenStore and in a log") {
    const std::string raw = "data/x" + std::string(1, '\0') + std::string(32, '\x5A');
    oracle_bench good("I-C2"), store("I-C2"), log("I-C2");
    const auto say = [](const char* text) { return seen::log_line{s(3), "v1", text}; };
    good.save(1, "v1", 1, 0x5A);
    good << say("key 5a5a5a5a5a5a5a") << say("state stored");
    CHECK(good.quiet());
    store.save(1, "v1", 1, 0x5A);
    store << seen::store_message{s(2), "dom3", "g1", 3, false, 11, 1, 0, raw};
    CHECK(store.caught("v1"));
    log.save(1, "v1", 1, 0x5A);
    log << say("key 5a5A5a5a5a5a5a5a");
    CHECK(log.caught("v1"));
}

TEST_CASE("I-C5 catches two states under one key") {
    oracle_bench good("I-C5"), bad("I-C5");
    good.save(1, "v1", 1, 0x11).save(2, "v1", 2, 0x12).save(3, "v1", 2, 0x12);
    CHECK(good.quiet());
    bad.save(1, "v1", 1, 0x11).save(2, "v2", 2, 0x11);
    CHECK(bad.caught("v2"));
}
