#include <catch2/catch.hpp>

#include "models/ports.h"

using namespace vtwin::models;

TEST_CASE("uuid text survives parsing and printing") {
    const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
    const auto uuid = parse_uuid(text);
    REQUIRE(uuid);
    CHECK(uuid->octets[0] == std::byte{0x00});
    CHECK(uuid->octets[10] == std::byte{0xaa});
    CHECK(to_string(*uuid) == text);
    CHECK(parse_uuid("00112233-4455-6677-8899-AABBCCDDEEFF") == uuid);
}

TEST_CASE("malformed uuids are refused") {
    CHECK_FALSE(parse_uuid(""));
    CHECK_FALSE(parse_uuid("00112233-4455-6677-8899-aabbccddeef"));
    CHECK_FALSE(parse_uuid("00112233-4455-6677-8899-aabbccddeeff0"));
    CHECK_FALSE(parse_uuid("00112233x4455-6677-8899-aabbccddeeff"));
    CHECK_FALSE(parse_uuid("00112233-4455-6677-8899-aabbccddeefg"));
    CHECK_FALSE(parse_uuid("001122334455-6677-8899-aabb-ccddeeff"));
}
