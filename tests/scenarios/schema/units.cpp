#include "scenarios/schema/units.h"

#include <catch2/catch.hpp>

using namespace vtwin::scenario;

TEST_CASE("times are read exactly and refused when they are not") {
    CHECK(parse_time("5 ms") == 5'000'000'000ULL);
    CHECK(parse_time("1.5us") == 1'500'000ULL);
    CHECK(parse_time("0.001 ns") == 1ULL);
    CHECK(parse_time("2 min") == 120'000'000'000'000ULL);
    CHECK(parse_time("0 s") == 0ULL);
    for (const char* wrong : {"", "5", "ms", "-5 ms", "5 m", "1.2.3 s", "1. s", ".5 s", "0.0001 ns", "5 ms ",
                              "5 MS", "99999999999999999999 s", "201000 h"}) {
        INFO(wrong);
        CHECK_FALSE(parse_time(wrong));
    }
}

TEST_CASE("sizes are read exactly and refused when they are not") {
    CHECK(parse_size("2 MiB") == 2ULL << 20);
    CHECK(parse_size("0.5 KiB") == 512ULL);
    CHECK(parse_size("512 B") == 512ULL);
    for (const char* wrong : {"", "2", "2 MB", "2 mib", "0.3 B", "-1 B"}) {
        INFO(wrong);
        CHECK_FALSE(parse_size(wrong));
    }
}

TEST_CASE("printed quantities are read back as the same value") {
    for (std::uint64_t ps : {0ULL, 1ULL, 73ULL, 1'500'000ULL, 30'000'000'000ULL, 600'000'000'000'000ULL}) {
        INFO(print_time(ps));
        CHECK(parse_time(print_time(ps)) == ps);
    }
    CHECK(print_time(1'500'000) == "1500 ns");
    CHECK(print_time(600'000'000'000'000) == "600 s");
    CHECK(print_size(2ULL << 20) == "2 MiB");
    CHECK(print_size(1000) == "1000 B");
}
