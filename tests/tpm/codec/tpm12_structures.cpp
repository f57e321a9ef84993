#include "tpm/codec/tpm12_structures.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/tpm/support.h"
#include "tpm/codec/tpm12_crypto.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;
namespace t12 = vtwin::tpm::tpm12;

TEST_CASE("composites of zero PCRs have the known hashes") {
    const std::vector<t12::digest> pcrs(24);
    const auto composite = [&](std::uint32_t mask) {
        return to_hex(t12::composite_hash(t12::pcr_selection::of(mask), pcrs));
    };
    // masks as on the wire: 0000ff, 0e00ff, 000030 name the bytes from high to low
    CHECK(composite(0x0000FF) == "798486aef54a3ae8436d68cdb0885a3b018aa8bc");
    CHECK(composite(0x0E00FF) == "9bf6ebcc9d2f3cf87f57907623ce40a83142afde");
    CHECK(composite(0x000030) == "9ec67ba0bfb0acef212f3a7a0ae295d617effd90");
    CHECK(composite(0) == std::string(40, '0'));
}

TEST_CASE("the inner hash of a deep quote has its known value") {
    const std::vector<t12::digest> pcrs(24);
    t12::pcr_info_short info;
    info.selection = t12::pcr_selection::of(0x30);
    info.digest_at_release = t12::composite_hash(info.selection, pcrs);
    CHECK(to_hex(info.encode()) == "0003300000019ec67ba0bfb0acef212f3a7a0ae295d617effd90");
    bytes external;
    for (int i = 0; i < 20; ++i)
        external.push_back(std::byte(i));
    const auto inner = t12::sha1({from_hex("00000000"), from_hex("44515554"), external, info.encode()});
    CHECK(to_hex(inner) == "0aef31b19afe860319e6c8e33949209c6567df20");
}

TEST_CASE("key templates have the manager's bytes") {
    const auto expected = [](std::string_view usage, std::string_view schemes) {
        return to_hex(
            from_hex(fmt::format("01010000 {} 00000000 01 00000001 {} 0000000c 00000800 00000002 00000000"
                                 "00000000 00000000 00000000",
                                 usage, schemes)));
    };
    CHECK(to_hex(t12::key::storage_template().encode()) == expected("0011", "0003 0001"));
    CHECK(to_hex(t12::key::identity_template().encode()) == expected("0012", "0001 0002"));
    CHECK(t12::key::identity_template().encode().size() == 47);
}

TEST_CASE("structures survive the wire and cut ones fail") {
    auto key = t12::key::storage_template();
    key.modulus = bytes(256, std::byte{0xC1});
    key.enc_data = bytes(256, std::byte{2});
    const bytes encoded = key.encode();
    REQUIRE(encoded.size() == 559);
    wire_reader whole(encoded);
    CHECK(t12::key::read(whole).encode() == encoded);
    CHECK(whole.ok());
    CHECK(whole.at_end());
    for (const std::size_t size : {std::size_t{0}, std::size_t{46}, std::size_t{100}, encoded.size() - 1}) {
        wire_reader cut(byte_view(encoded).first(size));
        t12::key::read(cut);
        CHECK_FALSE(cut.ok());
    }
    t12::pcr_info_long info;
    info.creation_selection = info.release_selection = t12::pcr_selection::of(0xFF);
    bytes info_bytes = info.encode();
    REQUIRE(info_bytes.size() == 54);
    wire_reader good(info_bytes);
    CHECK(t12::pcr_info_long::read(good).encode() == info_bytes);
    info_bytes[1] = std::byte{7};  // not TPM_TAG_PCR_INFO_LONG
    wire_reader bad(info_bytes);
    t12::pcr_info_long::read(bad);
    CHECK_FALSE(bad.ok());
}

TEST_CASE("a TPM_PCR_INFO_SHORT survives the wire and a cut one fails") {
    const t12::pcr_info_short info{t12::pcr_selection::of(0x4FF), 1, t12::digest{std::byte{0xAB}}};
    const bytes encoded = info.encode();
    REQUIRE(encoded.size() == 26);
    CHECK(to_hex(byte_view(encoded).first(7)) == "0003ff040001ab");
    wire_reader whole(encoded);
    CHECK(t12::pcr_info_short::read(whole).encode() == encoded);
    CHECK(whole.at_end());
    wire_reader cut(byte_view(encoded).first(25));
    t12::pcr_info_short::read(cut);
    CHECK_FALSE(cut.ok());
}

TEST_CASE("a key whose parameter size is wrong is refused") {
    bytes encoded = t12::key::storage_template().encode();
    encoded[4 + 2 + 4 + 1 + 8 + 3] = std::byte{13};
    wire_reader reader(encoded);
    t12::key::read(reader);
    CHECK_FALSE(reader.ok());
}

TEST_CASE("selections know their PCRs") {
    const auto selection = t12::pcr_selection::of(0x800001);
    CHECK(selection.selects(0));
    CHECK(selection.selects(23));
    CHECK_FALSE(selection.selects(1));
    CHECK_FALSE(selection.selects(24));
    CHECK_FALSE(selection.none());
    CHECK(t12::pcr_selection::of(0, 2).none());
}

TEST_CASE("OAEP refuses what does not fit and is repeatable per seed") {
    const bytes modulus(256, std::byte{0xC1});
    seeded_entropy first(1), again(1), other(2);
    const auto blob = t12::oaep_encrypt(modulus, bytes(20), first);
    CHECK(blob.size() == 256);
    CHECK(t12::oaep_encrypt(modulus, bytes(20), again) == blob);
    CHECK(t12::oaep_encrypt(modulus, bytes(20), other) != blob);
    CHECK(t12::oaep_encrypt(modulus, bytes(215), first).empty());  // 256 - 2 * 20 - 2 = 214
    CHECK(t12::oaep_encrypt({}, bytes(20), first).empty());
}
