#include "tpm/codec/wire.h"

#include <catch2/catch.hpp>

#include "tests/tpm/support.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;

TEST_CASE("wire numbers are big-endian both ways") {
    wire_writer out;
    out.u8(1)
        .u16(0x0203)
        .u32(0x04050607)
        .u64(0x08090A0B0C0D0E0F)
        .sized16(from_hex("aa"))
        .sized32(from_hex("bbcc"));
    CHECK(to_hex(out.data()) == "0102030405060708090a0b0c0d0e0f0001aa00000002bbcc");
    out.patch_u32(3, 0xFFFFFFFF);
    wire_reader in(out.data());
    CHECK(in.u8() == 1);
    CHECK(in.u16() == 0x0203);
    CHECK(in.u32() == 0xFFFFFFFF);
    CHECK(in.u64() == 0x08090A0B0C0D0E0F);
    CHECK(to_hex(in.sized16()) == "aa");
    CHECK(to_hex(in.sized32()) == "bbcc");
    CHECK(in.ok());
    CHECK(in.at_end());
}

TEST_CASE("a wire reader that failed stays failed and yields zeros") {
    const bytes data = from_hex("ffffffff01");
    wire_reader in(data);
    CHECK(in.sized32().empty());  // 4 GiB announced, 1 byte there
    CHECK_FALSE(in.ok());
    CHECK(in.u8() == 0);
    CHECK(in.fixed<1>()[0] == std::byte{0});
    CHECK_FALSE(in.at_end());
    CHECK(in.remaining() == 1);
}
