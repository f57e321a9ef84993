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
