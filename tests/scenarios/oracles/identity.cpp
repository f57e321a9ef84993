#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

TEST_CASE("I-A1 catches a record that two live domains hold") {
    oracle_bench good("I-A1"), bad("I-A1");
    good.save(1, "v1", 1, 2);
    good << seen::domain_life{s(2), "v1", life::destroyed};
    good.load(3, "v2", 1, 2);
    CHECK(good.quiet());
    bad.save(1, "v1", 1, 2).load(3, "v2", 1, 2);
    CHECK(bad.caught("v2"));
}

TEST_CASE("I-A2 catches a record that goes to another vTPM even when its owner is gone") {
    oracle_bench good("I-A2"), bad("I-A2");
    good.save(1, "v1", 1, 2).load(2, "v1", 1, 2).load(3, "v2", 0, 0);
    CHECK(good.quiet());
    bad.save(1, "v1", 1, 2);
    bad << seen::domain_life{s(2), "v1", life::destroyed};
    bad.load(3, "v2", 1, 2);
    CHECK(bad.caught("v2"));
}

TEST_CASE("I-A3 catches a vTPM that becomes a new one without an order") {
    oracle_bench good("I-A3"), bad("I-A3");
    good << seen::tpm_power{s(1), "v1", power::erased} << seen::state_taken{s(2), "v1", 7};
    good << seen::tpm_power{s(3), "v1", power::off} << seen::tpm_power{s(4), "tpm", power::erased};
    CHECK(good.quiet());
    bad << seen::state_taken{s(2), "v1", 7} << seen::tpm_power{s(3), "v1", power::erased};
    CHECK(bad.caught("v1"));
}

TEST_CASE("I-A3 catches a vTPM and a manager that forget what their disks held at the start") {
    auto who = small_scene();
    who.manager_has_state = who.vtpms["v1"].has_state = true;
    const seen::log_line first_boot{s(1), "mgr", "vtpmmgr: Assuming first time initialization."};
    oracle_bench blank("I-A3"), manager("I-A3", who), vtpm("I-A3", who);
    blank << first_boot << seen::tpm_power{s(2), "v1", power::erased};
    CHECK(blank.quiet());
    manager << first_boot;
    CHECK(manager.caught("mgr"));
    vtpm << seen::tpm_power{s(2), "v1", power::erased};
    CHECK(vtpm.caught("v1"));
}

TEST_CASE("I-A4 catches management and hardware extends by others than the administrator") {
    oracle_bench good("I-A4"), management("I-A4"), extend("I-A4");
    good.exchange(1, "v0", "mgr", packet(0x1C2, 0x02000101), packet(0x1C5, 0));
    good.exchange(2, "v1", "mgr", packet(0x1C2, 0x02000101), packet(0x1C5, 7));
    good.exchange(3, "v1", "mgr", packet(0xC1, 0x46, big(4, 4)), ok());
    good.exchange(4, "g1", "v1", packet(0xC1, 0x14), ok());
    CHECK(good.quiet());
    management.exchange(1, "v1", "mgr", packet(0x1C2, 0x02000101), packet(0x1C5, 0));
    CHECK(management.caught("v1"));
    extend.exchange(1, "v2", "mgr", packet(0xC1, 0x14), ok());
    CHECK(extend.caught("v2"));
}

TEST_CASE("I-A5 catches a command that executes at another locality than its frontend asked for") {
    const auto command = packet(0xC1, 0x14);
    const auto run = [&](std::uint8_t asked, std::uint8_t executed) {
        oracle_bench bench("I-A5");
        bench << seen::submission{s(1), "g1", "v1", command, 10, asked}
              << seen::execution{s(2), "v1", command, executed, ok()};
        return bench.caught("v1");
    };
    CHECK_FALSE(run(0, 0));
    CHECK_FALSE(run(2, 2));
    CHECK(run(34, 2));  // wrapped modulo 32
    CHECK(run(0, 4));
}

TEST_CASE("I-A6 catches an answer that changes between vTPM and guest") {
    const auto command = packet(0xC1, 0x15, big(3, 4));
    const auto given = ok(filled(20, 1)), taken = ok(filled(20, 2));
    oracle_bench good("I-A6"), refused_by_guest("I-A6"), bad("I-A6");
    good.exchange(1, "g1", "v1", command, given);
    good << seen::guest_command{s(2), s(1), "g1", command, 30, given};
    CHECK(good.quiet());
    refused_by_guest.exchange(1, "g1", "v1", command, given);
    refused_by_guest << seen::guest_command{s(2), s(1), "g1", command, -14, {}};
    CHECK(refused_by_guest.quiet());
    bad.exchange(1, "g1", "v1", command, given);
    bad << seen::guest_command{s(2), s(1), "g1", command, 30, taken};
    CHECK(bad.caught("g1"));
}
