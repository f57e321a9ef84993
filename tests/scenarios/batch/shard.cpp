#include "scenarios/batch/shard.h"

#include <catch2/catch.hpp>

#include "scenarios/schema/problem.h"

using namespace vtwin::scenario;

TEST_CASE("a shard is read from i of n and others are refused") {
    CHECK(parse_shard("") == shard{0, 1});
    CHECK(parse_shard("3/8") == shard{3, 8});
    CHECK(parse_shard("0/1") == shard{0, 1});
    for (const char* wrong : {"8/8", "3", "/8", "3/", "a/8", "3/0", "-1/8"}) {
        INFO(wrong);
        CHECK_THROWS_WITH(parse_shard(wrong), Catch::Contains("expected i/n"));
    }
}

TEST_CASE("every number is in exactly one shard") {
    for (std::uint64_t number = 0; number < 20; ++number) {
        int owners = 0;
        for (std::uint64_t i = 0; i < 3; ++i)
            owners += shard{i, 3}.has(number) ? 1 : 0;
        CHECK(owners == 1);
    }
}
