#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

namespace {

seen::disk_done wrote(double at, const char* domain, std::uint64_t sector, int status = 0) {
    return {s(at), s(at), domain, true, false, sector, 1, status};
}

}  // namespace

TEST_CASE("I-D1 catches a success that the guest is told after a failed save") {
    const auto run = [](std::uint32_t saved, std::uint32_t told) {
        oracle_bench bench("I-D1");
        bench << seen::state_taken{s(1), "v1", 1};
        bench.save(2, "v1", 1, 1, packet(0x1C4, saved)).exchange(3, "g1", "v1", bare_extend, refused(told));
        return bench.caught("v1");
    };
    CHECK_FALSE(run(0, 0));
    CHECK_FALSE(run(31, 9));  // the guest is told
    CHECK(run(31, 0));
}

TEST_CASE("I-D1 catches acknowledgements after failed writes and records that are lost") {
    oracle_bench good("I-D1"), vtpm("I-D1"), manager("I-D1"), lost("I-D1");
    good << seen::state_taken{s(1), "v1", 1} << wrote(1, "v1", 0);
    good.save(2, "v1", 1, 1).exchange(3, "g1", "v1", bare_extend, ok());
    CHECK(good.quiet());
    vtpm << seen::state_taken{s(1), "v1", 1} << wrote(1, "v1", 0, -1);
    vtpm.save(2, "v1", 1, 1).exchange(3, "g1", "v1", bare_extend, ok());
    CHECK(vtpm.caught("v1"));
    const auto command = packet(0x1C1, 1, filled(52, 3));
    manager << seen::submission{s(1), "v1", "mgr", command, 62, 0} << wrote(2, "mgr", 0, -1)
            << seen::answer{s(3), "v1", "mgr", command, packet(0x1C4, 0), 10};
    CHECK(manager.caught("mgr"));
    lost.save(1, "v1", 1, 1).exchange(2, "v1", "mgr", packet(0x1C1, 2), packet(0x1C4, 3));
    CHECK(lost.caught("mgr"));
}

TEST_CASE("I-D2 catches a state that never was") {
    const auto run = [](std::uint64_t loaded, bool accepted) {
        oracle_bench bench("I-D2");
        bench << seen::state_taken{s(1), "v1", 1} << seen::state_taken{s(2), "v1", 2}
              << seen::state_given{s(3), "v1", loaded, accepted};
        return bench.caught("v1");
    };
    CHECK_FALSE(run(1, true));
    CHECK_FALSE(run(3, false));
    CHECK(run(3, true));
}

TEST_CASE("I-D3 catches writes over a state that could not be loaded") {
    oracle_bench good("I-D3"), bad("I-D3"), manager("I-D3");
    good << seen::tpm_power{s(1), "v1", power::erased} << wrote(2, "v1", 0)
         << seen::state_taken{s(2), "v1", 1} << wrote(3, "v1", 0);
    CHECK(good.quiet());
    bad << seen::state_taken{s(1), "v1", 1} << seen::tpm_power{s(2), "v1", power::erased};
    CHECK(bad.quiet());
    bad << wrote(3, "v1", 0);
    CHECK(bad.caught("v1"));
    const seen::log_line anew{s(1), "mgr", "vtpmmgr: Assuming first time initialization."};
    manager << anew << wrote(2, "mgr", 0) << seen::domain_life{s(3), "mgr", life::destroyed};
    CHECK(manager.quiet());
    manager << anew << wrote(4, "mgr", 0);
    CHECK(manager.caught("mgr"));
}

TEST_CASE("I-D4 catches a save into the slot that holds the only good copy") {
    oracle_bench good("I-D4"), bad("I-D4");
    good << wrote(1, "v1", 0);
    good.save(1, "v1", 1, 1);
    good << wrote(2, "v1", 2048);
    good.save(2, "v1", 2, 2, packet(0x1C4, 31));
    good << wrote(3, "v1", 4095);
    CHECK(good.quiet());
    bad << wrote(1, "v1", 0);
    bad.save(1, "v1", 1, 1);
    bad << wrote(2, "v1", 2048);
    bad.save(2, "v1", 2, 2, packet(0x1C4, 31));
    bad << wrote(3, "v1", 2047);  // the failed save has turned the slots round
    CHECK(bad.caught("v1"));
}

TEST_CASE("I-D6 catches a record that is acknowledged before anything is written") {
    const auto command = packet(0x1C1, 1, filled(52, 3));
    const auto run = [&](bool provisioned, bool writes) {
        oracle_bench bench("I-D6");
        if (provisioned)
            bench << wrote(1, "mgr", 8);
        bench << seen::submission{s(2), "v1", "mgr", command, 62, 0};
        if (writes)
            bench << wrote(3, "mgr", 8);
        bench << seen::answer{s(4), "v1", "mgr", command, packet(0x1C4, 0), 10};
        return bench.caught("mgr");
    };
    CHECK_FALSE(run(true, true));
    CHECK_FALSE(run(false, false));
    CHECK(run(true, false));
}
