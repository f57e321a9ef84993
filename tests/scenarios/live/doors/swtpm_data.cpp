// The reference simulator's header before a command of the data channel.
#include "scenarios/live/doors/swtpm_data.h"

#include <catch2/catch.hpp>

#include "models/hex.h"

using namespace vtwin;
using namespace vtwin::scenario::live;

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
