// Known answers, computed independently of this code: they tie the verifier to the real vTPM's and manager's
// bytes.
#include "models/remote/tpm12_structures.h"

#include <catch2/catch.hpp>

#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;
using namespace vtwin::models::remote;

namespace {

const bytes first_label_hash = hex("d0f1992dae1daf6b1515f8fc293fcac4bc673605");
const bytes first_composite = hex("798486aef54a3ae8436d68cdb0885a3b018aa8bc");

bytes range(int first, int count) {
    bytes out;
    for (int i = 0; i < count; ++i)
        out.push_back(static_cast<std::byte>(first + i));
    return out;
}

pcr_values zero_pcrs(std::uint32_t mask) {
    pcr_values values;
    for (std::uint32_t pcr = 0; pcr < 24; ++pcr)
        if ((mask >> pcr & 1) != 0)
            values[pcr] = bytes(20);
    return values;
}

bytes known_cfg_list() {
    return join(
        {hex("0000000000000005"), hex("00000001"), first_composite, hex("00000001"), first_label_hash});
}

bytes known_inner() {
    return deep_quote_inner(range(0, 20), zero_pcrs(0x30), 0);
}

}  // namespace

TEST_CASE("composites of zero PCRs have their known hashes") {
    CHECK(composite_hash(zero_pcrs(0x0000ff)) == first_composite);
    CHECK(composite_hash(zero_pcrs(0x0e00ff)) == hex("9bf6ebcc9d2f3cf87f57907623ce40a83142afde"));
    CHECK(composite_hash(zero_pcrs(0x000030)) == hex("9ec67ba0bfb0acef212f3a7a0ae295d617effd90"));
    CHECK(composite_hash({}) == bytes(20));
}

TEST_CASE("the inner hash of a deep quote is the known one") {
    CHECK(to_hex(known_inner()) == "0aef31b19afe860319e6c8e33949209c6567df20");
    CHECK(deep_quote_inner(range(0, 20), zero_pcrs(0x30), 1) != known_inner());
}

TEST_CASE("the digests of a manager quote are the known ones") {
    const auto uuid = parse_uuid("ac0a5b9e-cbe2-4c07-b43b-1d69e46fb839");
    REQUIRE(uuid);
    const bytes modulus = range(0xC1, 256);
    CHECK(to_hex(uuid_digest(*uuid)) == "1d4243278a257faaca05b2f0e6cad5111c69c46e");
    CHECK(to_hex(label_digest("system_u:system_r:vtpm_t")) == "aeb72ee44d0b5bac51460353147e2c1dcae8198c");
    CHECK(to_hex(group_info_digest(modulus, known_cfg_list())) == "a93f8ecaf6865acbc04412914997b6c1b4720267");
    CHECK(to_hex(group_pubkey_digest(modulus)) == "08a79686225396d0bb4856f6ee52eb9ea206fde8");
    CHECK(to_hex(sha1(known_cfg_list())) == "88c23d0e37dde55d13e352908705793d91ea4fa5");
}

TEST_CASE("the external data of a manager quote is the known one for every set of flags") {
    const bytes modulus = range(0xC1, 256);
    const bytes d1 = uuid_digest(*parse_uuid("ac0a5b9e-cbe2-4c07-b43b-1d69e46fb839"));
    const bytes d2 = label_digest("system_u:system_r:vtpm_t");
    const bytes d3 = group_info_digest(modulus, known_cfg_list()), d4 = group_pubkey_digest(modulus);
    CHECK(to_hex(manager_external_data(0, known_inner(), {})) == "346e423ae350b77306ed206dbac4a13cf50c6adf");
    CHECK(to_hex(manager_external_data(3, known_inner(), join({d1, d2}))) ==
          "d8a0e07b6b172ef76c756f9b5550b3088ad336e9");
    CHECK(to_hex(manager_external_data(15, known_inner(), join({d1, d2, d3, d4}))) ==
          "6837c63fd67fef911c441b1ad0af25adb9ede313");
}

TEST_CASE("a TPM_PCR_INFO_SHORT is read exactly") {
    // The last 26 octets of a TPM_QUOTE_INFO2 that tpm_getpcrhash wrote: PCRs 0, 10 and 16 of a TPM after its
    // start.
    const bytes good = join({hex("0003010401"
                                 "01"),
                             composite_hash(zero_pcrs(0x10401))});
    const auto info = parse_pcr_info_short(good);
    REQUIRE(info);
    CHECK(info->mask == 0x10401);
    CHECK(info->locality == 1);
    CHECK(info->digest == composite_hash(zero_pcrs(0x10401)));
    CHECK_FALSE(parse_pcr_info_short(byte_view(good).first(25)));
    CHECK_FALSE(parse_pcr_info_short(join({good, hex("00")})));
    CHECK_FALSE(parse_pcr_info_short(join({hex("0002010401"), bytes(20)})));  // a map of two octets
    CHECK_FALSE(parse_pcr_info_short({}));
    CHECK(to_hex(quote_info2(good, range(0, 20))) == "003651555432" + to_hex(range(0, 20)) + to_hex(good));
}

TEST_CASE("a TPM_PUBKEY is read exactly") {
    const bytes modulus = range(0x80, 256);
    const bytes good = join({hex("00000001"
                                 "0003"
                                 "0001"
                                 "0000000c"
                                 "00000800"
                                 "00000002"
                                 "00000000"
                                 "00000100"),
                             modulus});
    const auto key = parse_pubkey(good);
    REQUIRE(key);
    CHECK(key->enc == enc_scheme::rsaesoaep_sha1_mgf1);
    CHECK(key->modulus == modulus);
    CHECK(to_octets(*key) == good);
    CHECK(ek_pubkey(modulus) == good);

    const bytes with_exponent = join({hex("00000001"
                                          "0003"
                                          "0001"
                                          "0000000f"
                                          "00000800"
                                          "00000002"
                                          "00000003"
                                          "010001"
                                          "00000100"),
                                      modulus});
    CHECK(parse_pubkey(with_exponent) == key);
    bytes other_exponent = with_exponent;
    other_exponent[24] = std::byte{3};
    CHECK_FALSE(parse_pubkey(other_exponent));
    CHECK_FALSE(parse_pubkey(join({good, hex("00")})));
    CHECK_FALSE(parse_pubkey(byte_view(good).first(good.size() - 1)));
    CHECK_FALSE(parse_pubkey({}));
    for (const std::size_t at : {3u, 11u, 15u, 19u, 23u, 26u}) {
        bytes bad = good;
        bad[at] ^= std::byte{0x10};
        INFO("octet " << at);
        CHECK_FALSE(parse_pubkey(bad));
    }
    bytes small = good;
    small[28] = std::byte{0};
    CHECK_FALSE(parse_pubkey(small));
}

TEST_CASE("a PCR composite is read exactly") {
    const pcr_values values{{4, range(1, 20)}, {10, range(2, 20)}};
    const bytes good = join({hex("0003100400"
                                 "00000028"),
                             range(1, 20), range(2, 20)});
    CHECK(pcr_composite(values) == good);
    CHECK(parse_pcr_composite(good) == values);
    CHECK(parse_pcr_composite(join({hex("00021004"
                                        "00000028"),
                                    range(1, 20), range(2, 20)})) == values);
    CHECK_FALSE(parse_pcr_composite(join({good, hex("00")})));
    CHECK_FALSE(parse_pcr_composite(byte_view(good).first(good.size() - 1)));
    CHECK_FALSE(
        parse_pcr_composite(hex("0000"
                                "00000000")));
    CHECK_FALSE(
        parse_pcr_composite(hex("000410000000"
                                "00000014")));
    bytes bad = good;
    bad[8] = std::byte{0x14};
    CHECK_FALSE(parse_pcr_composite(bad));
}

TEST_CASE("a replay starts from the chip's reset values") {
    const auto pcrs = replay({{4, "a", range(0, 20)}, {4, "b", range(1, 20)}, {17, "c", range(2, 20)}});
    REQUIRE(pcrs.size() == 24);
    CHECK(pcrs[4] == h1({h1({bytes(20), range(0, 20)}), range(1, 20)}));
    CHECK(pcrs[17] == h1({bytes(20, std::byte{0xFF}), range(2, 20)}));
    CHECK(pcrs[0] == bytes(20));
    CHECK(pcrs[22] == bytes(20, std::byte{0xFF}));
    CHECK(pcrs[23] == bytes(20));
}
