#include "tpm/codec/tpm12_client.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "tests/tpm/support.h"
#include "tpm/codec/tpm12_crypto.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;
namespace t12 = vtwin::tpm::tpm12;

namespace {

/// A client whose TPM always gives the same answer.
struct canned {
    explicit canned(std::string_view hex) : response(from_hex(hex)) {}
    bytes response, command;
    seeded_entropy entropy{1};
    t12::client client{[this](byte_view sent) {
                           command.assign(sent.begin(), sent.end());
                           return response;
                       },
                       entropy};
};

/// A TPM that authorises one command without parameters: the other side of OIAP, written out here a second
/// time.
struct authorising_peer {
    t12::secret secret{std::byte{9}};
    t12::nonce even{std::byte{1}}, next_even{std::byte{2}};
    bool keep = true;
    bytes answer(byte_view command) const {
        REQUIRE(command.size() == 55);
        const byte_view odd = command.subspan(14, 20), keep_in = command.subspan(34, 1),
                        hmac = command.subspan(35);
        const auto in_digest = t12::sha1({command.subspan(6, 4)});
        const auto expected = t12::hmac_sha1(secret, {in_digest, even, odd, keep_in});
        REQUIRE(to_hex(hmac) == to_hex(expected));
        const auto out_digest = t12::sha1({from_hex("00000000"), command.subspan(6, 4)});
        const bytes keep_out{std::byte(keep)};
        return concat({from_hex("00c5 00000033 00000000"), next_even, keep_out,
                       t12::hmac_sha1(secret, {out_digest, next_even, odd, keep_out})});
    }
};

}  // namespace

TEST_CASE("each malformed response has its code in the manager's order") {
    CHECK(canned("").client.pcr_read(0).code == t12::rc::ioerror);
    CHECK(canned("00c4 0000000a 00000002").client.pcr_read(99).code == t12::rc::badindex);
    CHECK(canned("00c5 0000000b 00000002").client.pcr_read(99).code ==
          t12::rc::badindex);  // status comes first
    const std::string digest(40, '7');
    CHECK(canned("00c4 0000001e 00000000" + digest).client.pcr_read(0).code == 0);
    CHECK(to_hex(canned("00c4 0000001e 00000000" + digest).client.pcr_read(0).value) == digest);
    CHECK(canned("00c5 0000001e 00000000" + digest).client.pcr_read(0).code == t12::rc::fail);
    CHECK(canned("00c4 0000001f 00000000" + digest).client.pcr_read(0).code == t12::rc::fail);
    CHECK(canned("00c4 0000001f 00000000" + digest + "00").client.pcr_read(0).code == t12::rc::size);
    CHECK(canned("00c4 0000001d 00000000" + digest.substr(2)).client.pcr_read(0).code == t12::rc::size);
    CHECK(canned("00c4 0000").client.pcr_read(0).code == t12::rc::size);
}

TEST_CASE("plain commands have the manager's bytes") {
    canned tpm("00c4 0000000a 00000009");
    const auto sent = [&] { return to_hex(tpm.command); };
    tpm.client.get_capability(t12::cap::version_val, byte_view{});
    CHECK(sent() == to_hex(from_hex("00c1 00000012 00000065 0000001a 00000000")));
    tpm.client.get_handles(t12::resource::key);
    CHECK(sent() == to_hex(from_hex("00c1 00000016 00000065 00000014 00000004 00000001")));
    tpm.client.flush_specific(0x01020304, t12::resource::auth);
    CHECK(sent() == to_hex(from_hex("00c1 00000012 000000ba 01020304 00000002")));
    tpm.client.get_random(128);
    CHECK(sent() == to_hex(from_hex("00c1 0000000e 00000046 00000080")));
    tpm.client.pcr_read(10);
    CHECK(sent() == to_hex(from_hex(pcr_read_12_pcr10)));
    tpm.client.pcr_reset(t12::pcr_selection::of(0xF00000));
    CHECK(sent() == to_hex(from_hex("00c1 0000000f 000000c8 0003 0000f0")));
    tpm.client.extend(1, {});
    CHECK(tpm.command.size() == 34);
    tpm.client.save_state();
    CHECK(sent() == "00c10000000a00000098");
    tpm.client.startup(t12::startup_type::clear);
    CHECK(sent() == to_hex(from_hex(startup_12)));
    tpm.client.terminate_handle(0x01020304);
    CHECK(sent() == to_hex(from_hex("00c1 0000000e 00000096 01020304")));
    tpm.client.create_endorsement_key_pair();
    CHECK(sent().substr(60) == to_hex(from_hex("00000001 0003 0001 0000000c 00000800 00000002 00000000")));
    CHECK(to_hex(t12::plain_command(t12::ord::pcr_read, from_hex("0000000a"))) ==
          to_hex(tpm.command).substr(0, 4) + to_hex(from_hex("0000000e 00000015 0000000a")));
}

TEST_CASE("a deep quote request has the layout that the vTPM reads") {
    canned tpm("00c4 0000000a 00000009");
    auto session = t12::auth_session::oiap(0xAABBCCDD, {});
    t12::digest external{};
    external[19] = std::byte{0x42};
    CHECK(tpm.client
              .deep_quote(external, t12::pcr_selection::of(0x30), t12::pcr_selection::of(0xFF), 3,
                          {session, {}})
              .code == t12::rc::fail);
    CHECK(to_hex(tpm.command).substr(0, 2 * (10 + 20 + 5 + 5 + 4 + 4)) ==
          to_hex(from_hex("00c2 00000059 20000016")) + to_hex(external) +
              to_hex(from_hex("0003 300000 0003 ff0000 00000003 aabbccdd")));
    CHECK(tpm.command.size() == 89);
}

TEST_CASE("a quote that brings version information unasked is refused") {
    const std::string pcr_info = "0003 300000 01" + std::string(40, '7');
    const std::string rest = "00000001 aa" + std::string(82, '0');  // a signature of one octet, a session
    for (const auto& [version, code] :
         {std::pair{"00000000", t12::rc::authfail}, std::pair{"00000001 55", t12::rc::size}}) {
        bytes body = from_hex(pcr_info + version + rest);
        canned tpm("00");
        tpm.response = concat({from_hex("00c5 0000"), from_hex(fmt::format("{:04x}", 10 + body.size())),
                               from_hex("00000000"), body});
        auto session = t12::auth_session::oiap(0xAABBCCDD, {});
        CHECK(tpm.client.quote2(0x01020304, {}, t12::pcr_selection::of(0x30), {session, {}}).code == code);
        CHECK(to_hex(tpm.command).substr(0, 2 * (14 + 20 + 5 + 1)) ==
              to_hex(from_hex("00c2 00000055 0000003e 01020304")) + std::string(40, '0') + "000330000000");
    }
}

TEST_CASE("an authorised response is believed only with the right HMAC") {
    authorising_peer peer;
    auto session = t12::auth_session::oiap(0x01020304, peer.even);
    seeded_entropy entropy(1);
    const std::size_t every_octet = 51;
    for (std::size_t flipped = 10; flipped <= every_octet; ++flipped) {
        session = t12::auth_session::oiap(0x01020304, peer.even);
        t12::client client(
            [&](byte_view command) {
                bytes response = peer.answer(command);
                if (flipped < every_octet)
                    response[flipped] ^= std::byte{1};
                return response;
            },
            entropy);
        const auto code = client.disable_pubek_read({session, peer.secret});
        CHECK(code == (flipped < every_octet ? t12::rc::authfail : t12::rc::success));
        CHECK(session.is_open() == (flipped == every_octet));
    }
    // The nonce has rolled: the peer that expects the new one is satisfied, and its continue = 0 closes the
    // session.
    peer.even = peer.next_even;
    peer.keep = false;
    t12::client client([&](byte_view command) { return peer.answer(command); }, entropy);
    CHECK(client.disable_pubek_read({session, peer.secret}) == t12::rc::success);
    CHECK_FALSE(session.is_open());
}

TEST_CASE("lists longer than their packet are refused") {
    // u32 n = 6, count 2, but only one handle
    CHECK(canned("00c4 00000014 00000000 00000006 0002 00000001").client.get_handles(1).code ==
          t12::rc::size);
    CHECK(canned("00c4 00000014 00000000 00000006 0001 00000001").client.get_handles(1).value.size() == 1);
    // more random bytes than asked for
    CHECK(canned("00c4 00000010 00000000 00000002 aabb").client.get_random(1).code == t12::rc::size);
    CHECK(canned("00c4 00000010 00000000 00000002 aabb").client.get_random(9).value.size() == 2);
}

TEST_CASE("an OSAP session masks secrets with its nonces") {
    t12::nonce even{std::byte{1}}, even_osap{std::byte{2}}, odd_osap{std::byte{3}};
    t12::secret entity{std::byte{4}}, fresh{std::byte{5}};
    auto session = t12::auth_session::osap(7, even, entity, even_osap, odd_osap);
    seeded_entropy entropy(1), same(1);
    session.begin_command(entropy);
    t12::nonce odd;
    same.fill(odd);
    const auto shared = t12::hmac_sha1(entity, {even_osap, odd_osap});
    auto expected_even = t12::sha1({shared, even}), expected_odd = t12::sha1({shared, odd});
    expected_even[0] ^= fresh[0];
    expected_odd[0] ^= fresh[0];
    CHECK(session.mask_with_even(fresh) == expected_even);
    CHECK(session.mask_with_odd(fresh) == expected_odd);
}
