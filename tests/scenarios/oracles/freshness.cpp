#include "tests/scenarios/oracles/bench.h"

using namespace vtwin::scenario;
using namespace vtwin::scenario::test;

TEST_CASE("I-F1 catches a state that is older than what the guest was told of") {
    const auto run = [&](bool told, std::uint64_t loaded) {
        oracle_bench bench("I-F1");
        bench << seen::state_taken{s(1), "v1", 1};
        bench.exchange(2, "g1", "v1", bare_extend, ok());
        bench << seen::state_taken{s(3), "v1", 2};
        if (told)
            bench.exchange(4, "g1", "v1", bare_extend, ok());
        bench << seen::state_given{s(5), "v1", loaded, true};
        return bench.caught("v1");
    };
    CHECK_FALSE(run(true, 2));
    CHECK_FALSE(run(false, 1));  // nobody was told of the second
    CHECK_FALSE(run(false, 2));
    CHECK(run(true, 1));
}

TEST_CASE("I-F2 catches an older record from a manager that restarted") {
    oracle_bench good("I-F2"), bad("I-F2");
    good.save(1, "v1", 1, 1).save(2, "v1", 2, 2).save(3, "v1", 3, 3, packet(0x1C4, 31)).load(4, "v1", 2, 2);
    CHECK(good.quiet());
    bad.save(1, "v1", 1, 1).save(2, "v1", 2, 2).load(4, "v1", 1, 1);
    CHECK(bad.caught("v1"));
}

TEST_CASE("I-F3 catches a hardware counter that goes back or stands still") {
    const auto value = [](std::uint32_t count) { return ok(big(0x000E, 2) + filled(4, 0) + big(count, 4)); };
    const auto increment = packet(0xC2, 0xDD, big(5, 4)), read = packet(0xC1, 0xDE, big(5, 4));
    const auto run = [&](const bytes& command, std::uint32_t second) {
        oracle_bench bench("I-F3");
        bench << seen::execution{s(1), "tpm", increment, 0, value(8)}
              << seen::execution{s(2), "tpm", packet(0xC1, 0xDE, big(6, 4)), 0, value(1)}
              << seen::execution{s(3), "tpm", command, 0, value(second)};
        return bench.caught("tpm");
    };
    CHECK_FALSE(run(increment, 9));
    CHECK_FALSE(run(read, 8));
    CHECK(run(read, 7));
    CHECK(run(increment, 8));
}

TEST_CASE("I-F4 catches a second vTPM that goes on from the state of a live one") {
    oracle_bench good("I-F4"), bad("I-F4");
    good << seen::state_taken{s(1), "v1", 1} << seen::domain_life{s(2), "v1", life::shut_down}
         << seen::state_given{s(3), "v2", 1, true};
    good << seen::state_given{s(4), "v2", 1, true};
    CHECK(good.quiet());
    bad << seen::state_taken{s(1), "v1", 1} << seen::state_given{s(3), "v2", 1, true};
    CHECK(bad.caught("v2"));
}

TEST_CASE("I-F5 catches ticks and counters that go back before the guest's eyes") {
    const auto ticks = [](std::uint64_t value, unsigned nonce) {
        return ok(big(0x0014, 2) + big(value, 8) + big(1, 2) + filled(20, nonce));
    };
    const auto run = [&](std::uint64_t second, unsigned nonce) {
        oracle_bench bench("I-F5");
        const auto command = packet(0xC1, 0xF1);
        bench << seen::guest_command{s(1), s(1), "g1", command, 42, ticks(100, 1)}
              << seen::guest_command{s(2), s(2), "g1", command, 42, ticks(second, nonce)};
        return bench.caught("g1");
    };
    CHECK_FALSE(run(100, 1));
    CHECK_FALSE(run(1, 2));  // another tick session
    CHECK(run(99, 1));
}

TEST_CASE("I-F6 catches a deleted vTPM that can be loaded again") {
    const auto erase = packet(0x1C2, 0x02000205, filled(16, '1'));
    oracle_bench good("I-F6"), anew("I-F6"), bad("I-F6");
    good.exchange(1, "v0", "mgr", erase, packet(0x1C5, 0)).load(2, "v2", 1, 1);
    CHECK(good.quiet());
    anew.exchange(1, "v0", "mgr", erase, packet(0x1C5, 0)).save(2, "v1", 1, 1).load(3, "v1", 1, 1);
    CHECK(anew.quiet());
    bad.exchange(1, "v0", "mgr", erase, packet(0x1C5, 0)).load(3, "v1", 1, 1);
    CHECK(bad.caught("v1"));
}
