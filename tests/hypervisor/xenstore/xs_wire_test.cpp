#include "hypervisor/xenstore/xs_wire.h"

#include <catch2/catch.hpp>

using namespace vtwin::xen;

TEST_CASE("a store message is sixteen little endian header bytes and its payload") {
    const auto wire = encode(xs_message{xs_op::write, 0x01020304, 0xA0B0C0D0, std::string("a\0b", 3)});
    const std::uint8_t expected[] = {11,   0,    0, 0, 0x04, 0x03, 0x02, 0x01, 0xD0, 0xC0,
                                     0xB0, 0xA0, 3, 0, 0,    0,    'a',  0,    'b'};
    REQUIRE(wire.size() == sizeof expected);
    for (std::size_t i = 0; i < wire.size(); ++i) {
        CHECK(std::to_integer<int>(wire[i]) == expected[i]);
    }
    const auto header = decode_header(std::span(wire).first<xs_header_size>());
    CHECK(header.type == 11);
    CHECK(header.req_id == 0x01020304);
    CHECK(header.tx_id == 0xA0B0C0D0);
    CHECK(header.len == 3);
}

TEST_CASE("store error names are known both ways") {
    for (const auto name : {"EINVAL", "EACCES", "EEXIST", "EISDIR", "ENOENT", "ENOMEM", "ENOSPC", "EIO",
                            "ENOTEMPTY", "ENOSYS", "EROFS", "EBUSY", "EAGAIN", "EISCONN", "E2BIG", "EPERM"}) {
        CHECK(xs_error_name(xs_error_value(name)) == name);
    }
    CHECK(xs_error_value("ENOTHING") == errno_t::eio);
}

TEST_CASE("strings of a payload need their terminators and numbers all their digits") {
    CHECK(split_strings(std::string_view("a\0bc\0", 5))->size() == 2);
    CHECK_FALSE(split_strings("abc"));
    CHECK(parse_decimal("65535", 65535) == 65535);
    CHECK_FALSE(parse_decimal("65536", 65535));
    CHECK_FALSE(parse_decimal("12a", 65535));
    CHECK_FALSE(parse_decimal("-1", 65535));
    CHECK_FALSE(parse_decimal("", 65535));
    CHECK_FALSE(parse_decimal("99999999999999999999999", ~std::uint64_t{0}));
}
