// Known-answer vectors of the manager's cryptography and hashes.
#include "models/vtpmmgr/crypto.h"

#include <catch2/catch.hpp>

#include "models/vtpmmgr/ctr_drbg.h"
#include "models/vtpmmgr/disk_format.h"
#include "models/vtpmmgr/label.h"
#include "models/vtpmmgr/quote_hash.h"
#include "tests/models/vtpmmgr/doubles.h"

using namespace vtwin::test;
using namespace vtwin::models::manager;

namespace {

aes_block k1_block() {
    return unhex<16>("a0a1a2a3a4a5a6a7feffffffffffffff");
}

vtpm_group k7_group() {
    vtpm_group group;
    group.saa_modulus = seq<256>(0xC1);
    group.cfg_sequence = 5;
    seal_entry config{};
    config.digest_at_release = unhex<20>("798486aef54a3ae8436d68cdb0885a3b018aa8bc");
    group.configs = {config};
    group.sealed_configs = 1;
    group.kernels = {label_hash("system_u:system_r:vtpm_t")};
    return group;
}
octets<16> k7_uuid() {
    return unhex<16>("ac0a5b9ecbe24c07b43b1d69e46fb839");
}

}  // namespace

TEST_CASE("manager counter mode counts little-endian in the second half and wraps there") {
    bytes stream(64);
    sector_cipher(seq<16>(0)).ctr(k1_block(), stream);
    CHECK(hex(stream) ==
          "51965c617388b0b3cd46406a59dedecc"
          "6b88b75a25a12555cd83b817f1128389"
          "db28949c3eadbd60670bfcef2d6079cf"
          "25167a1c250d862505a79cd85bf6d4c2");
}

TEST_CASE("a full sector in its container matches the recorded one") {
    bytes plain(4048);
    for (std::size_t i = 0; i < plain.size(); ++i)
        plain[i] = std::byte(7 * i + 3);
    const sector_container container(seq<16>(0));
    sector stored;
    container.encrypt(9, plain, k1_block(), stored);
    CHECK(hex(byte_view(stored).first(16)) == "3f1f0662cb28b19ed1d29b8035b55b6f");
    CHECK(hex(sha256(stored)) == "230b46d60a91b3d9e23951392fa7abad1ecce708381d88348026cb17d74f16d2");

    sector copy = stored;
    REQUIRE(container.decrypt(9, copy));
    CHECK(std::equal(plain.begin(), plain.end(), copy.begin() + 32));
    copy = stored;
    copy[4095] ^= std::byte{1};
    CHECK_FALSE(container.decrypt(9, copy));
}

TEST_CASE("only a hardened container notices a changed counter block or another sector number") {
    const bytes plain = seq(0, 100);
    const container_policy hardened{.authenticate_iv = true, .bind_address = true, .separate_keys = true};
    for (const auto& [policy, notices] : {std::pair{container_policy{}, false}, std::pair{hardened, true}}) {
        const sector_container container(seq<16>(0), policy);
        sector stored;
        container.encrypt(2, plain, k1_block(), stored);
        sector moved = stored, garbled = stored, own = stored;
        garbled[16] ^= std::byte{1};
        CHECK(container.decrypt(2, own));
        CHECK(container.decrypt(3, moved) != notices);
        CHECK(container.decrypt(2, garbled) != notices);
    }
}

TEST_CASE("labels hash as recorded and wildcard only their user field") {
    CHECK(hex(label_hash("system_u:system_r:vtpm_t")) == "d0f1992dae1daf6b1515f8fc293fcac4bc673605");
    CHECK(hex(label_hash("*:system_r:vtpm_t")) == "bac83cc1100ade26fa6607723aa551683ae530fb");
    CHECK(hex(label_hash("*:vm_r:vtpm_t")) == "f9575a6e1604431c592d3b469769266f13737315");
    CHECK(hex(label_hash("system_u:system_r:domU_t")) == "2bc65001d506ce6cd12cab90a4a2ad9040d641e1");
    CHECK(wildcarded_label("a_u:b_r:c_t") == "*:b_r:c_t");
    CHECK(wildcarded_label(":b_r:c_t").empty());
    CHECK(wildcarded_label("label").empty());
}

TEST_CASE("software PCR composites match the recorded ones") {
    const pcr_values zero{};
    CHECK(hex(pcr_composite(0x0000FF, zero)) == "798486aef54a3ae8436d68cdb0885a3b018aa8bc");
    CHECK(hex(pcr_composite(0x0E00FF, zero)) == "9bf6ebcc9d2f3cf87f57907623ce40a83142afde");
    CHECK(hex(pcr_composite(0x000030, zero)) == "9ec67ba0bfb0acef212f3a7a0ae295d617effd90");
    CHECK(pcr_composite(0x010000FF, zero) == pcr_composite(0x0000FF, zero));
}

TEST_CASE("quotes bind flags and digests as recorded") {
    const auto inner = unhex<20>("0aef31b19afe860319e6c8e33949209c6567df20");
    const auto label = label_hash("system_u:system_r:vtpm_t");
    const vtpm_group group = k7_group();
    const auto external = [&](std::uint32_t flags) {
        return hex(quote_external_data(flags, inner, quote_digests(flags, k7_uuid(), label, group)));
    };
    CHECK(external(0) == "346e423ae350b77306ed206dbac4a13cf50c6adf");
    CHECK(external(3) == "d8a0e07b6b172ef76c756f9b5550b3088ad336e9");
    CHECK(external(15) == "6837c63fd67fef911c441b1ad0af25adb9ede313");
    const auto digests = quote_digests(15, k7_uuid(), label, group);
    REQUIRE(digests.size() == 4);
    CHECK(hex(digests[0]) == "1d4243278a257faaca05b2f0e6cad5111c69c46e");
    CHECK(hex(digests[1]) == "aeb72ee44d0b5bac51460353147e2c1dcae8198c");
    CHECK(hex(digests[2]) == "a93f8ecaf6865acbc04412914997b6c1b4720267");
    CHECK(hex(digests[3]) == "08a79686225396d0bb4856f6ee52eb9ea206fde8");
    const bytes list = group_configuration(group);
    CHECK(list.size() == 56);
    CHECK(hex(sha1(list)) == "88c23d0e37dde55d13e352908705793d91ea4fa5");
}

TEST_CASE("the generator asks its source twice and depends on every byte of it") {
    std::vector<std::size_t> asked;
    std::byte last{0};
    const auto drawn = [&] {
        ctr_drbg drbg([&](std::size_t wanted) {
            asked.push_back(wanted);
            bytes data(wanted, std::byte{0x55});
            data.back() = last;
            return data;
        });
        REQUIRE(drbg.seed());
        return drbg.draw<40>();
    };
    const auto a = drawn();
    CHECK(asked == std::vector<std::size_t>{128, 128});
    CHECK(a == drawn());
    last = std::byte{1};
    CHECK(a != drawn());
}

TEST_CASE("a generator without entropy stays keyed with zeros and says so") {
    unsigned asked = 0;
    ctr_drbg dead([&](std::size_t) {
        ++asked;
        return bytes{};
    });
    CHECK_FALSE(dead.seed());
    CHECK(asked == 2);
    // AES-256 with the zero key of the block 00...01 (NIST CTR counting), a public constant.
    CHECK(hex(dead.draw<16>()) == "530f8afbc74536b9a963b4f1c4cb738b");
}

TEST_CASE("a generator reseeds itself after ten thousand requests") {
    unsigned asked = 0;
    ctr_drbg drbg([&](std::size_t wanted) {
        ++asked;
        return bytes(wanted, std::byte{1});
    });
    REQUIRE(drbg.seed());
    for (int i = 0; i < 10000; ++i)
        drbg.draw<1>();
    CHECK(asked == 2);
    drbg.draw<1>();
    CHECK(asked == 3);
    // Where it cannot wait, the source is asked later, and once.
    octets<1> out;
    for (int i = 0; i < 10010; ++i)
        drbg.fill_at_once(out);
    CHECK(asked == 3);
    drbg.reseed_when_due();
    CHECK(asked == 4);
    drbg.reseed_when_due();
    CHECK(asked == 4);
}
