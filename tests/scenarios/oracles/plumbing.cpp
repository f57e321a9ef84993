#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

seen::grant_mapping mapping(double at, const char* mapper, const char* granter, bool mapped) {
    return {s(at), mapper, granter, 5, 70, mapped};
}
std::string words(const std::string& first, const std::string& second) {
    return first + '\0' + second;
}
seen::store_message message(double at, int domid, bool out, std::uint32_t type, const std::string& payload) {
    static const std::string guest = "dom3", service = "toolstack";
    return {s(at), domid > 0 ? guest : service, domid > 0 ? "g1" : "", domid, out, type, 1, 0, payload};
}

}  // namespace

TEST_CASE("I-G1 catches mappings of frames that the granter does not own or did not grant") {
    const auto run = [](bool owned, bool permitted) {
        oracle_bench bench("I-G1");
        auto what = mapping(1, "v1", "g1", true);
        what.owned = owned;
        what.permitted = permitted;
        bench << what;
        return bench.caught("v1");
    };
    CHECK_FALSE(run(true, true));
    CHECK(run(false, true));
    CHECK(run(true, false));
}

TEST_CASE("I-G2 catches a frame that changes hands while it is mapped") {
    oracle_bench good("I-G2"), bad("I-G2");
    good << mapping(1, "v1", "g1", true) << mapping(2, "v1", "g1", false) << mapping(3, "dom0", "g2", true);
    CHECK(good.quiet());
    bad << mapping(1, "v1", "g1", true) << mapping(3, "dom0", "g2", true);
    CHECK(bad.caught("g1"));
}

TEST_CASE("I-G3 catches a mapping that is let go twice") {
    oracle_bench bench("I-G3");
    bench << mapping(1, "v1", "g1", true) << mapping(2, "v1", "g1", false);
    CHECK(bench.quiet());
    bench << mapping(3, "v1", "g1", false);
    CHECK(bench.caught("v1"));
}

TEST_CASE("I-G4 catches mappings that a domain leaves behind") {
    oracle_bench good("I-G4"), ledger("I-G4"), table("I-G4");
    good << mapping(1, "v1", "g1", true) << mapping(2, "v1", "g1", false)
         << seen::domain_life{s(3), "v1", life::destroyed};
    CHECK(good.quiet());
    ledger << mapping(1, "v1", "g1", true) << seen::domain_life{s(3), "v1", life::destroyed};
    CHECK(ledger.caught("v1"));
    table << seen::domain_life{s(3), "v1", life::destroyed, 1};
    CHECK(table.caught("v1"));
}

TEST_CASE("I-H1 catches stores by a domain that has no business with the page") {
    oracle_bench bench("I-H1");
    bench << seen::page_state{s(1), "g1", seen::writer::front, 0, 1};
    CHECK(bench.quiet());
    bench << seen::foreign_store{s(1), "g1", "g2"};
    CHECK(bench.caught("g1"));
}

TEST_CASE("I-E1 catches an event that nobody sees while its receiver lives") {
    oracle_bench good("I-E1"), dead("I-E1"), bad("I-E1");
    good << seen::event_bit{s(1), "g1", 4, true} << seen::event_bit{s(11), "g1", 4, false}
         << seen::run_end{s(99), true, {}};
    CHECK(good.quiet());
    dead << seen::event_bit{s(1), "g1", 4, true} << seen::domain_life{s(2), "g1", life::crashed}
         << seen::run_end{s(99), true, {}};
    CHECK(dead.quiet());
    dead << seen::event_bit{s(100), "g1", 4, true} << seen::run_end{s(199), true, {}};
    CHECK(dead.quiet());  // to nobody
    dead << seen::domain_life{s(200), "g1", life::created} << seen::event_bit{s(201), "g1", 4, true}
         << seen::run_end{s(299), true, {}};
    CHECK(dead.caught("g1"));
    bad << seen::event_bit{s(1), "g1", 4, true} << seen::run_end{s(99), true, {}};
    CHECK(bad.caught("g1"));
    CHECK(bad.when() == s(11));
}

TEST_CASE("I-E2 catches an event through a closed port") {
    oracle_bench bench("I-E2");
    bench << seen::event_bit{s(1), "g1", 4, true, true} << seen::event_bit{s(2), "g1", 4, false, false};
    CHECK(bench.quiet());
    bench << seen::event_bit{s(3), "g1", 4, true, false};
    CHECK(bench.caught("g1"));
}

TEST_CASE("I-X1 catches a change of a node that was not given to the domain") {
    const auto run = [](const std::string& path, std::uint32_t reply, bool service_gives) {
        oracle_bench bench("I-X1");
        bench << message(1, 0, false, 14, words("/local/domain/3", words("n3", "r0")))
              << message(1, 0, true, 14, "OK");
        if (service_gives)
            bench << message(1, 0, false, 14, words("/local/domain/7/data", words("n7", "b3")))
                  << message(1, 0, true, 14, "OK");
        bench << message(2, 3, false, 11, words(path, "x")) << message(3, 3, true, reply, "OK");
        return bench.caught("dom3");
    };
    CHECK_FALSE(run("device/vtpm/0/state", 11, false));
    CHECK_FALSE(run("/local/domain/3/data", 11, false));
    CHECK_FALSE(run("/local/domain/7/data/x", 16, false));  // refused
    CHECK_FALSE(run("/local/domain/7/data/x", 11, true));
    CHECK(run("/local/domain/7/data/x", 11, false));
    CHECK(run("/local/domain/7/other", 11, true));
}

TEST_CASE("I-X1 lets an owner remove its node and anybody what is not there") {
    const auto remove = [](const std::string& path, int owner) {
        oracle_bench bench("I-X1");
        bench << message(1, 0, false, 14, words("/local/domain/7/data", owner == 3 ? "n3" : "n7"))
              << message(1, 0, true, 14, "OK") << message(2, 3, false, 13, path)
              << message(3, 3, true, 13, "OK");
        return bench.caught("dom3");
    };
    CHECK_FALSE(remove("/local/domain/7/data", 3));
    CHECK_FALSE(remove("/local/domain/7/nothing", 7));
    CHECK(remove("/local/domain/7/data", 7));
    CHECK(remove("/local/domain/7", 7));
}

TEST_CASE("I-X3 catches a watch that never fires") {
    oracle_bench good("I-X3"), bad("I-X3");
    for (auto* bench : {&good, &bad})
        *bench << message(1, 3, false, 4, words("device", "token")) << message(2, 3, true, 4, "OK");
    good << message(3, 3, true, 15, words("device", "token")) << seen::run_end{s(99), true, {}};
    CHECK(good.quiet());
    bad << message(3, 3, true, 15, words("device", "other")) << seen::run_end{s(99), true, {}};
    CHECK(bad.caught("dom3"));
    CHECK(bad.when() == s(22));
}

TEST_CASE("I-X5 catches device states that go back or are none") {
    const auto run = [](std::initializer_list<const char*> states) {
        oracle_bench bench("I-X5");
        for (const auto* state : states)
            bench << message(1, 3, false, 11, words("device/vtpm/0/state", state));
        return bench.caught("g1");
    };
    CHECK_FALSE(run({"1", "3", "4", "5", "6", "1", "2"}));
    CHECK(run({"3", "4", "2"}));
    CHECK(run({"9"}));
    CHECK(run({"closed"}));
}
