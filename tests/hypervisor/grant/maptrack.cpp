#include "hypervisor/grant/maptrack.h"

#include <catch2/catch.hpp>

using namespace vtwin::xen;

namespace {
std::uint32_t take(maptrack& track) {
    const auto handle = track.take();
    REQUIRE(handle.has_value());
    track.at(*handle).host = true;
    return to_underlying(*handle);
}
}  // namespace

TEST_CASE("maptrack: a freed handle comes back after all others of its frame") {
    maptrack track(4);
    CHECK(take(track) == 0);
    track.give_back(grant_handle{0});
    for (std::uint32_t expected = 1; expected < 256; ++expected)
        REQUIRE(take(track) == expected);
    // 0 is the tail and stays: the list grows instead, and the new frame comes first.
    CHECK(take(track) == 256);
    CHECK(take(track) == 257);
    CHECK(track.live() == 257);
}

TEST_CASE("maptrack: handles are first in first out") {
    maptrack track(1);
    for (std::uint32_t i = 0; i < 255; ++i)
        REQUIRE(take(track) == i);
    CHECK_FALSE(track.take().has_value());  // 255 is the tail sentinel
    track.give_back(grant_handle{7});
    track.give_back(grant_handle{3});
    CHECK(take(track) == 255);
    CHECK(take(track) == 7);
    CHECK_FALSE(track.take().has_value());  // now 3 is the sentinel
    CHECK(track.find(grant_handle{3}) == nullptr);
    CHECK(track.find(grant_handle{256}) == nullptr);
    CHECK(track.find(grant_handle{7}) != nullptr);
}
