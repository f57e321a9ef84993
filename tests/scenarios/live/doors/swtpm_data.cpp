// The reference simulator's header before a command of the data channel.
#include "scenarios/live/doors/swtpm_data.h"

#include <catch2/catch.hpp>

#include "models/hex.h"

using namespace vtwin;
using namespace vtwin::scenario::live;

TEST_CASE("an unknown tag and long durations are answered as swtpm does and nothing else is changed") {
    const auto answered = [](const std::string& asked, const std::string& hex, tpm::family version) {
        return models::to_hex(swtpm::as_swtpm(*models::from_hex(asked), *models::from_hex(hex), version));
    };
    const std::string ticks = "00c10000000a000000f1";
    CHECK(answered(ticks, "00c40000000a0000001e", tpm::family::tpm20) == "80010000000a00000084");
    CHECK(answered(ticks, "00c40000000a0000001e", tpm::family::tpm12) == "00c40000000a0000001e");
    for (const char* other :
         {"80010000000a0000001e", "00c40000000a0000001f", "00c40000000b0000001e00", "00c4", ""})
        CHECK(answered(ticks, other, tpm::family::tpm20) == other);
    // 3 s, 3 s, 600 s.
    const std::string head = "00c10000001600000065000000050000000400000", durations = head + "120",
                      told = "00c40000001a000000000000000c002dc6c0002dc6c023c34600",
                      bounded = "00c40000001a000000000000000c002dc6c0002dc6c011e1a300";
    CHECK(answered(durations, told, tpm::family::tpm12) == bounded);
    CHECK(answered(durations, bounded, tpm::family::tpm12) == bounded);
    CHECK(answered(durations, told, tpm::family::tpm20) == told);
    CHECK(answered(head + "115", told, tpm::family::tpm12) == told);
    for (const char* other : {"00c40000000a00000026", "00c4", ""})
        CHECK(answered(durations, other, tpm::family::tpm12) == other);
}

TEST_CASE("a command behind a send header is told from a bare one") {
    const auto header = swtpm::parse_send_header(*models::from_hex("00000008030000000c"));
    REQUIRE(header);
    CHECK(header->locality == 3);
    CHECK(header->length == 12);
    CHECK_FALSE(swtpm::parse_send_header(*models::from_hex("80010000000c000001")));
    CHECK_FALSE(swtpm::parse_send_header(*models::from_hex("00000009030000000c")));
    CHECK_FALSE(swtpm::parse_send_header(*models::from_hex("0000000803000000")));
    CHECK(models::to_hex(swtpm::with_send_header(*models::from_hex("aabb"))) == "00000002aabb00000000");
}
