#include <catch2/catch.hpp>
#include <set>

#include "models/chance.h"

using namespace vtwin;
using models::chance_stream;

TEST_CASE("chance streams repeat for the same seed and name and differ otherwise") {
    chance_stream first(7, "top.engine"), again(7, "top.engine");
    chance_stream other_name(7, "top.engine2"), other_seed(8, "top.engine");
    const auto value = first.next_u64();
    CHECK(again.next_u64() == value);
    CHECK(other_name.next_u64() != value);
    CHECK(other_seed.next_u64() != value);
}

TEST_CASE("chance keystream is that of ChaCha20 keyed by seed and name") {
    // Computed apart: key = SHA-256(8 bytes of seed, big-endian || "x"), counter and nonce zero.
    chance_stream stream(1, "x");
    CHECK(stream.next_u64() == 0xa01873f0d453f10c);
}

TEST_CASE("chance draws do not depend on how they are cut") {
    chance_stream whole(3, "cut"), pieces(3, "cut");
    std::array<std::byte, 700> a{}, b{};
    whole.fill(a);
    for (std::size_t at = 0; at < b.size(); at += 7) {
        pieces.fill(std::span(b).subspan(at, 7));
    }
    CHECK(a == b);
}

TEST_CASE("chance below stays in range and reaches every value") {
    chance_stream stream(1, "range");
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 500; ++i) {
        const auto value = stream.below(7);
        REQUIRE(value < 7);
        seen.insert(value);
    }
    CHECK(seen.size() == 7);
    CHECK(stream.below(1) == 0);
}
