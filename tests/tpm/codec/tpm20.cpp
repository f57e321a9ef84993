#include "tpm/codec/tpm20.h"

#include <catch2/catch.hpp>

#include "tests/tpm/support.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;
namespace t20 = vtwin::tpm::tpm20;

namespace {

constexpr std::uint32_t rc_retry = 0x922;

std::string compact(std::string_view text) {
    return to_hex(from_hex(text));
}

}  // namespace

TEST_CASE("TPM 2.0 commands have the manager's bytes") {
    CHECK(to_hex(t20::self_test(true)) == compact("8001 0000000B 00000143 01"));
    CHECK(to_hex(t20::flush_context(0x80000002)) == compact("8001 0000000E 00000165 80000002"));
    CHECK(to_hex(t20::get_random(128)) == compact("8001 0000000C 0000017B 0080"));
    CHECK(to_hex(t20::pcr_read(t20::alg::sha1, 10)) ==
          compact("8001 00000014 0000017E 00000001 0004 03 000400"));
    CHECK(to_hex(t20::create_primary_storage_key()) ==
          compact("8002 00000043 00000131 40000001 00000009 40000009 0000 01 0000 0004 0000 0000"
                  "001A 0001 000B 00030072 0000 0006 0080 0043 0010 0800 00000000 0000 0000 00000000"));
    const std::string zeros(40, '0');
    CHECK(to_hex(t20::create_sealing_key(0x80000000, t20::manager_password)) ==
          compact("8002 00000069 00000153 80000000 0000001D 40000009 0000 01 0014" + zeros + "0018 0014" +
                  zeros +
                  "0000 0018 0001 000B 00020072 0000 0010 0017 000B 0800 00000000 0000 0000 00000000"));
    CHECK(t20::create_sealing_key(0x81000000, {}).size() == 0x55);
    CHECK(to_hex(t20::rsa_encrypt(1, from_hex("aabb"))) ==
          compact("8001 00000016 00000174 00000001 0002aabb 0010 0000"));
}

TEST_CASE("data bound to a TPM 2.0 sealing key comes back from that TPM only") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm20, 1), other(host, family::tpm20, 2);
    const auto send = [](bench_tpm& to, const bytes& command) {
        const auto parsed = t20::parse_response(to.engine.execute(command, 0));
        REQUIRE(parsed);
        return *parsed;
    };
    REQUIRE(send(tpm, t20::startup(t20::su::clear)).code == 0);
    REQUIRE(send(other, t20::startup(t20::su::clear)).code == 0);
    const auto srk = t20::handle_of(send(tpm, t20::create_primary_storage_key()));
    REQUIRE(srk == t20::handle::first_transient);
    // The first use of a key under dictionary-attack protection since Startup asks for a retry.
    CHECK(send(tpm, t20::create_sealing_key(*srk, t20::manager_password)).code == rc_retry);
    const auto key = t20::key_of_create(send(tpm, t20::create_sealing_key(*srk, t20::manager_password)));
    REQUIRE(key);
    const auto load = t20::load(*srk, t20::manager_password, key->private_part, key->public_part);
    const auto sealing_key = t20::handle_of(send(tpm, load));
    REQUIRE(sealing_key);

    const bytes data(84, std::byte{0x5A});
    const auto bound = t20::rsa_text_of(send(tpm, t20::rsa_encrypt(*sealing_key, data)), false);
    REQUIRE(bound);
    CHECK(bound->size() == 256);
    const auto decrypt = t20::rsa_decrypt(*sealing_key, t20::manager_password, *bound);
    CHECK(t20::rsa_text_of(send(tpm, decrypt), true) == data);
    CHECK_FALSE(t20::rsa_text_of(send(tpm, t20::rsa_decrypt(*sealing_key, from_hex("01"), *bound)), true));

    const auto other_srk = t20::handle_of(send(other, t20::create_primary_storage_key()));
    REQUIRE(other_srk);
    CHECK_FALSE(t20::handle_of(
        send(other, t20::load(*other_srk, t20::manager_password, key->private_part, key->public_part))));
    CHECK(send(tpm, t20::flush_context(*sealing_key)).code == 0);
    CHECK(send(tpm, decrypt).code != 0);
}

TEST_CASE("a TPM 2.0 PCR is what was extended into it") {
    libtpms_host host;
    bench_tpm tpm(host, family::tpm20, 1);
    const auto send = [&](const bytes& command) {
        return *t20::parse_response(tpm.engine.execute(command, 0));
    };
    REQUIRE(send(t20::startup(t20::su::clear)).code == 0);
    CHECK(t20::digest_of_pcr_read(send(t20::pcr_read(t20::alg::sha1, 10))) == bytes(20));
    REQUIRE(send(t20::pcr_extend(10, t20::alg::sha1, bytes(20))).code == 0);
    // SHA-1 of 40 zero bytes, computed apart
    CHECK(to_hex(*t20::digest_of_pcr_read(send(t20::pcr_read(t20::alg::sha1, 10)))) ==
          "b80de5d138758541c5f05265ad144ab9fa86d1db");
    CHECK(send(t20::pcr_extend(10, t20::alg::sha1, bytes(19))).code != 0);
    CHECK(t20::random_of(send(t20::get_random(16)))->size() == 16);
}

TEST_CASE("malformed TPM 2.0 responses are refused") {
    CHECK_FALSE(t20::parse_response({}));
    CHECK_FALSE(t20::parse_response(from_hex("8001 0000000b 00000000")));
    CHECK_FALSE(t20::parse_response(from_hex("8003 0000000a 00000000")));
    CHECK(t20::parse_response(from_hex("00c4 0000000a 0000001e"))->code == 0x1E);
    CHECK_FALSE(t20::random_of(*t20::parse_response(from_hex("8001 0000000e 00000000 0003aabb"))));
    CHECK_FALSE(t20::random_of(*t20::parse_response(from_hex("8001 0000000f 00000000 0002aabbcc"))));
    CHECK_FALSE(t20::handle_of(*t20::parse_response(from_hex("8001 0000000c 00000000 8000"))));
    CHECK_FALSE(t20::digest_of_pcr_read(
        *t20::parse_response(from_hex("8001 00000016 00000000 00000001 ffffffff 00000001"))));
}

TEST_CASE("one TPM 2.0 extend carries a digest for each bank") {
    const bytes one(20, std::byte{1}), two(32, std::byte{2});
    CHECK(to_hex(t20::pcr_extend(4, {{t20::alg::sha1, one}, {t20::alg::sha256, two}})) ==
          compact("8002 00000057 00000182 00000004 00000009 40000009 0000 01 0000 00000002 0004") +
              to_hex(one) + "000b" + to_hex(two));
    CHECK(t20::digest_size(t20::alg::sha1) == 20);
    CHECK(t20::digest_size(t20::alg::sha256) == 32);
    CHECK(t20::digest_size(0x000C) == 0);
}

TEST_CASE("the active PCR banks are those with a PCR in them") {
    const auto banks = [](std::string_view body) {
        const bytes octets = from_hex(body);
        return t20::banks_of({0, octets});
    };
    CHECK(banks("00 00000005 00000003 0004 03 ffffff 000b 03 000100 000c 03 000000") ==
          std::vector<std::uint16_t>{4, 11});
    CHECK(banks("00 00000005 00000000") == std::vector<std::uint16_t>{});
    CHECK_FALSE(banks("00 00000006 00000000"));
    CHECK_FALSE(banks("00 00000005 00000002 0004 03 ffffff"));
    CHECK_FALSE(banks("00 00000005 00000000 00"));
    CHECK_FALSE(t20::banks_of({0x101, from_hex("00 00000005 00000000")}));
}
