#include "scenarios/live/pace.h"

#include <catch2/catch.hpp>

using namespace vtwin::scenario::live;
using namespace std::chrono_literals;
using sc_core::sc_time;

TEST_CASE("a pace is free or real or a factor") {
    CHECK(parse_pace("free")->free());
    CHECK(parse_pace("real")->permille == 1000);
    CHECK(parse_pace("10")->permille == 10000);
    CHECK(parse_pace("0.5")->permille == 500);
    for (const char* wrong : {"", "0", "-1", "0.0001", "nan", "inf", "1e9", "fast", "2x"})
        CHECK_FALSE(parse_pace(wrong));
}

TEST_CASE("simulated and wall time follow each other exactly") {
    paced_clock clock(*parse_pace("2.5"));
    clock.start(7s, sc_time(100, sc_core::SC_SEC));
    CHECK(clock.simulated_at(7s) == sc_time(100, sc_core::SC_SEC));
    CHECK(clock.simulated_at(9s) == sc_time(105, sc_core::SC_SEC));
    CHECK(clock.simulated_at(6s) == sc_time(100, sc_core::SC_SEC));
    CHECK(clock.wall_at(sc_time(105, sc_core::SC_SEC)) == 9s);
    CHECK(clock.wall_at(sc_time(1, sc_core::SC_SEC)) == 7s);
    CHECK(clock.simulated_at(7s + 2ns) == sc_time(100, sc_core::SC_SEC) + sc_time(5, sc_core::SC_NS));
}

TEST_CASE("simulated time that no clock can tell stands still and so does the wait for it") {
    paced_clock fast(*parse_pace("1000000"));
    fast.start(7s, sc_time(100, sc_core::SC_SEC));
    CHECK(fast.simulated_at(8s) == sc_time(1'000'100, sc_core::SC_SEC));
    CHECK(fast.simulated_at(60s) == paced_clock::horizon());
    CHECK(fast.simulated_at(24h * 365 * 100) == paced_clock::horizon());
    paced_clock slow(*parse_pace("0.001"));
    slow.start(7s, sc_time());
    CHECK(slow.wall_at(sc_time(1, sc_core::SC_SEC)) == 1007s);
    CHECK(slow.wall_at(sc_core::sc_max_time()) > 24h * 365 * 70);
    // A machine that was served late: time does not go back.
    fast.start(7s, paced_clock::horizon() + sc_time(1, sc_core::SC_SEC));
    CHECK(fast.simulated_at(8s) == paced_clock::horizon() + sc_time(1, sc_core::SC_SEC));
}
