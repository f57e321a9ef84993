// swtpm's control channel as octets: what requests mean, what is refused, how answers look.
#include "scenarios/live/doors/swtpm_control.h"

#include <catch2/catch.hpp>

#include "models/hex.h"
#include "tpm/codec/wire.h"

using namespace vtwin;
using namespace vtwin::scenario::live;
using reading_kind = swtpm::reading::kind;

namespace {

swtpm::reading read(const std::string& hex) {
    return swtpm::read_request(*models::from_hex(hex));
}
std::string hex(const tpm::bytes& octets) {
    return models::to_hex(octets);
}

}  // namespace

TEST_CASE("a control request is read once it is whole") {
    for (const char* part : {"", "00", "000000", "00000002", "00000002000000", "00000005", "0000000c00000001",
                             "0000000700000004616263", "0000000d000000010000000200000003aabb"})
        CHECK(read(part).what == reading_kind::incomplete);
    const auto init = read("0000000200000001");
    REQUIRE(init.what == reading_kind::complete);
    CHECK(init.asked.what == swtpm::command::init);
    CHECK(init.asked.flags == 1);
    CHECK(hex(read("000000070000000461626364").asked.data) == "61626364");
    const auto blob = read("0000000d000000010000000200000003aabbcc");
    REQUIRE(blob.what == reading_kind::complete);
    CHECK(blob.asked.flags == 1);
    CHECK(blob.asked.type == 2);
    CHECK(hex(blob.asked.data) == "aabbcc");
    const auto take = read("0000000c000000010000000300000010");
    REQUIRE(take.what == reading_kind::complete);
    CHECK(take.asked.type == 3);
    CHECK(take.asked.offset == 16);
    const auto info = read("00000012000000000000000700000005" + std::string(8, '0'));
    REQUIRE(info.what == reading_kind::complete);
    CHECK(info.asked.info == 7);
    CHECK(info.asked.offset == 5);
}

TEST_CASE("what QEMU pads is taken and other octets behind a control request are refused") {
    for (const char* padded : {"0000000504", "00000005040000ff", "00000005040000000000"}) {
        const auto locality = read(padded);
        REQUIRE(locality.what == reading_kind::complete);
        CHECK(locality.asked.what == swtpm::command::set_locality);
        CHECK(locality.asked.locality == 4);
    }
    CHECK(read("0000000100000001").what == reading_kind::complete);
    CHECK(read("0000001100000bb800000007").asked.size == 3000);
    for (const char* longer : {"000000020000000000", "0000000400", "0000000600", "0000000800", "0000000900",
                               "0000000a00", "0000000e00", "0000000f00"}) {
        const auto refused = read(longer);
        CHECK(refused.what == reading_kind::refused);
        CHECK(refused.code == swtpm::result::bad_parameter);
    }
}

TEST_CASE("hostile control requests are refused before they cost anything") {
    for (const char* unknown : {"00000000", "00000013", "ffffffff", "0000001300000000"}) {
        CHECK(read(unknown).what == reading_kind::refused);
        CHECK(read(unknown).code == swtpm::result::bad_ordinal);
    }
    // Too short, as swtpm says at once of these two.
    CHECK(read("00000011").code == swtpm::result::bad_parameter);
    CHECK(read("00000012000000000000000100000000").code == swtpm::result::bad_parameter);
    // A length that no state has: the rest of the stream has no meaning either.
    CHECK(read("0000000d00000001000000027fffffff").what == reading_kind::lost);
    CHECK(read("0000000700100001").what == reading_kind::lost);
    CHECK(read("0000000700100000").what == reading_kind::incomplete);
}

TEST_CASE("control answers have swtpm's form") {
    CHECK(hex(swtpm::print_result(0x3D)) == "0000003d");
    CHECK(hex(swtpm::print_capabilities(tpm::family::tpm12)) == "0000000000007fff");
    CHECK(hex(swtpm::print_capabilities(tpm::family::tpm20)) == "000000000000ffff");
    CHECK(hex(swtpm::print_established(true)) == "0000000001000000");
    CHECK(hex(swtpm::print_buffer_size(4096)) == "00000000000010000000100000001000");
    CHECK(hex(swtpm::print_config()) == "0000000000000000");
    CHECK(hex(swtpm::print_info("{}", 0)) == "0000000000000003000000037b7d00");
    CHECK(hex(swtpm::print_info("{}", 2)) == "00000000000000030000000100");
    CHECK(hex(swtpm::print_info("{}", 3)) == "00000003");
    const tpm::bytes blob = *models::from_hex("0102030405");
    CHECK(hex(swtpm::print_stateblob(blob, 0)) == "000000000000000000000005000000050102030405");
    CHECK(hex(swtpm::print_stateblob(blob, 3)) == "000000000000000000000002000000020405");
    CHECK(hex(swtpm::print_stateblob(blob, 5)) == "00000000000000000000000000000000");
    CHECK(hex(swtpm::print_stateblob(blob, 0xFFFFFFFF)) == "00000000000000000000000000000000");
    CHECK(hex(swtpm::print_stateblob({}, 0)) == "00000800000000000000000000000000");
}
