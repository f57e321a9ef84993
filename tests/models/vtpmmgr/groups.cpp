// Groups, their signed configuration, quotes and escrow; the administrator's vTPM commands.
#include <catch2/catch.hpp>

#include "models/domain_crash.h"
#include "tests/models/vtpmmgr/bench.h"
#include "tpm/codec/tpm12_client.h"
#include "tpm/codec/tpm12_crypto.h"

using namespace vtwin::test;
using vtwin::models::behaviour;
using vtwin::models::domain_crash;
using vtwin::tpm::concat;
using vtwin::tpm::wire_writer;
namespace tpm12 = vtwin::tpm::tpm12;

namespace {

bytes part(byte_view data, std::size_t from, std::size_t count) {
    REQUIRE(from + count <= data.size());
    return {data.begin() + static_cast<long>(from), data.begin() + static_cast<long>(from + count)};
}
bytes u32(std::uint32_t value) {
    return wire_writer().u32(value).take();
}
bytes sha1_of(byte_view data) {
    const auto digest = vtwin::models::manager::sha1(data);
    return {digest.begin(), digest.end()};
}
bytes request_quote(byte_view nonce, byte_view selection, std::uint32_t flags) {
    return wire_writer().raw(nonce).sized16(selection).u32(flags).take();
}

}  // namespace

TEST_CASE("GROUP_NEW claims the stub and returns an identity that its AIK has signed") {
    manager_bench bench;
    REQUIRE(bench.boot());
    bench.connect(1, 1);
    REQUIRE(bench.save(1, 1).status == 0);
    const auto stub_uuid = bench.manager->tree().groups[0]->uuid;
    bench.chip.ordinals.clear();
    bench.chip.sizes.clear();
    const answer made = bench.group_new();
    REQUIRE(made.status == 0);
    CHECK(made.length == 538);
    CHECK(bench.chip.ordinals == std::vector<std::uint32_t>{11, 10, 121, 150});
    CHECK(bench.chip.sizes == std::vector<std::size_t>{36, 10, 187, 14});
    CHECK(part(made.body, 0, 16) == bytes(stub_uuid.begin(), stub_uuid.end()));
    const bytes modulus = part(made.body, 16, 256);
    const bytes contents =
        concat({unhex("0101000000000079"), bytes(20),
                unhex("00000001000100020000000c00000800000000020000000000000100"), modulus});
    CHECK(signature_holds(modulus, part(made.body, 272, 256), contents));
    // Once more: a second group, which vTPMs of the first know nothing of.
    const answer second = bench.group_new();
    REQUIRE(second.status == 0);
    CHECK(part(second.body, 0, 16) != part(made.body, 0, 16));
    CHECK(bench.manage(0x02000101).body == u32(2));
    CHECK(bench.manage(0x02000101, seq(0, 1)).status == 3);
}

TEST_CASE("a failed GROUP_NEW frees the live group unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_failed_group_new_frees_live_group, hardened);
        REQUIRE(bench.boot());
        bench.connect(1, 1);
        REQUIRE(bench.save(1, 1).status == 0);
        bench.chip.refuse = [](std::uint32_t ordinal) -> std::optional<std::uint32_t> {
            return ordinal == 121 ? std::optional<std::uint32_t>(1) : std::nullopt;
        };
        CHECK(bench.group_new().status == 9);
        bench.chip.refuse = nullptr;
        bench.connect(2, 2);
        if (hardened)
            CHECK(bench.save(2, 2).status == 0);
        else
            CHECK_THROWS_AS(bench.save(2, 2), domain_crash);
    }
}

TEST_CASE("GROUP_UPDATE checks sequence and bounds and signature in their order") {
    manager_bench bench;
    REQUIRE(bench.boot());
    bench.connect(1, 1);
    REQUIRE(bench.save(1, 1).status == 0);
    const auto here = bench.composite(0xFF);
    const bytes list = bench.list(5, {here}, {bench.label()});
    CHECK(bench.group_update(0, list, {0xFF}).status == 32);  // nobody has claimed the stub
    REQUIRE(bench.group_new().status == 0);
    CHECK(bench.group_update(7, list, {0xFF}).status == 2);
    CHECK(bench.group_update(0, list, {}).status == 3);
    CHECK(bench.group_update(0, list, {0xFF, 0xFF}).status == 3);
    CHECK(bench.group_update(0, bench.list(5, std::vector(6, here), {}), std::vector<std::uint32_t>(6, 0xFF))
              .status == 23);
    CHECK(bench.group_update(0, bench.list(5, {here}, std::vector(17, bench.label())), {0xFF}).status == 23);
    const bytes selection = unhex("0003ff0000");
    const bytes other_signature = bench.saa.sign(bench.list(6, {here}, {}));
    CHECK(bench.manage(0x02000106, concat({u32(0), other_signature, list, selection})).status == 33);
    CHECK(bench.manage(0x02000106, concat({u32(0), bytes(256, std::byte{1}), list, selection})).status == 39);
    CHECK(bench.manage(0x02000106, concat({u32(0), bytes(256, std::byte{0xFF}), list, selection})).status ==
          32);
    CHECK(bench.disk.written.empty());
    REQUIRE(bench.group_update(0, list, {0xFF}).status == 0);
    CHECK_FALSE(bench.disk.written.empty());
    CHECK(bench.group_update(0, bench.list(4, {here}, {}), {0xFF}).status == 9);
    const answer shown = bench.manage(0x02000107, u32(0));
    CHECK(part(shown.body, 16, 256) == bench.saa.modulus());
    CHECK(part(shown.body, 272, list.size()) == list);
    CHECK(shown.body.size() == 272 + list.size());
}

TEST_CASE("configuration updates that hurt are taken unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.provision();
        bench.behaviours.set(behaviour::vtpmmgr_equal_config_sequence_accepted, hardened);
        bench.behaviours.set(behaviour::vtpmmgr_empty_pcr_mask_never_unseals, hardened);
        bench.behaviours.set(behaviour::vtpmmgr_empty_platform_list_stops_persistence, hardened);
        // A new manager, because behaviours are fixed at its start.
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        REQUIRE(bench.load(1).status == 0);
        const auto here = bench.composite(0xFF);
        CHECK(bench.group_update(0, bench.list(1, {here}, {bench.label()}), {0xFF}).status == 0);
        CHECK(bench.group_update(0, bench.list(1, {here}, {}), {0xFF}).status == (hardened ? 9 : 0));
        CHECK(bench.group_update(0, bench.list(2, {bench.composite(0)}, {}), {0}).status ==
              (hardened ? 3 : 0));
        CHECK(bench.group_update(0, bench.list(3, {}, {bench.label()}), {}).status == (hardened ? 3 : 0));
        bench.disk.written.clear();
        CHECK(bench.save(1, 0x12).status == 0);
        CHECK(bench.disk.written.empty() == !hardened);
    }
}

TEST_CASE("a configuration that lost its place opens no new state when keys rotate") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_config_update_keeps_keys, hardened);
        bench.provision();
        const auto before = bench.manager->tree().groups[0]->keys->group_key;
        REQUIRE(bench.group_update(0, bench.list(2, {bench.composite(0xF)}, {bench.label()}), {0xF}).status ==
                0);
        CHECK((bench.manager->tree().groups[0]->keys->group_key != before) == hardened);
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        CHECK(bench.load(1).body == bytes(52, std::byte{0x11}));
    }
}

TEST_CASE("GET_QUOTE signs flags and identity and hardware PCRs with the group's AIK") {
    manager_bench bench;
    bench.provision();
    const bytes nonce = seq(0, 20);
    REQUIRE(bench.reboot());
    bench.connect(1, 1);
    CHECK(bench.send(1, 0x01C1, 4, request_quote(nonce, unhex("ff0000"), 7)).status == 3);  // not bound yet
    REQUIRE(bench.load(1).status == 0);
    CHECK(bench.send(1, 0x01C1, 4, request_quote(nonce, unhex("ff0000"), 16)).status == 5);
    CHECK(bench.send(1, 0x01C1, 4, seq(0, 25)).status == 3);
    bench.chip.ordinals.clear();
    bench.chip.sizes.clear();
    const answer quote = bench.send(1, 0x01C1, 4, request_quote(nonce, unhex("030000"), 7));
    REQUIRE(quote.status == 0);
    CHECK(bench.chip.ordinals == std::vector<std::uint32_t>{32, 10, 22, 150, 186});
    CHECK(bench.chip.sizes == std::vector<std::size_t>{618, 10, 84, 14, 18});
    REQUIRE(quote.body.size() == 256 + 3 * 20 + 2 * 20);
    const auto& group = *bench.manager->tree().groups[0];
    const bytes d1 = sha1_of(bytes(16, std::byte{1})), d2 = sha1_of(bench.label());
    const bytes d3 =
        sha1_of(concat({bench.saa.modulus(), bench.list(1, {bench.composite(0xFF)}, {bench.label()})}));
    CHECK(part(quote.body, 256, 60) == concat({d1, d2, d3}));
    const bytes external = sha1_of(concat({unhex("07000000"), nonce, d1, d2, d3}));
    const bytes pcrs = sha1_of(concat({unhex("000303000000000028"), bytes(40)}));
    CHECK(part(quote.body, 316, 40) == bytes(40));
    const bytes info = concat({unhex("0101000051554f54"), pcrs, external});
    CHECK(signature_holds(group.aik_modulus, part(quote.body, 0, 256), info));
    CHECK_FALSE(signature_holds(group.aik_modulus, part(quote.body, 0, 256), concat({info, seq(0, 1)})));
}

TEST_CASE("a quote without flags crashes the manager unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_quote_flags0_uninitialised_offset, hardened);
        bench.provision();
        const bytes body = request_quote(seq(0, 20), unhex("010000"), 0);
        if (hardened)
            CHECK(bench.send(1, 0x01C1, 4, body).body.size() == 276);
        else
            CHECK_THROWS_AS(bench.send(1, 0x01C1, 4, body), domain_crash);
    }
}

TEST_CASE("a quote in a group without AIK kills the key session unless it is reopened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_srk_session_never_reopened, hardened);
        REQUIRE(bench.boot());
        bench.connect(1, 1);
        REQUIRE(bench.save(1, 1).status == 0);
        const bytes body = request_quote(seq(0, 20), unhex("010000"), 1);
        const std::uint32_t first = bench.send(1, 0x01C1, 4, body).status;
        CHECK(first != 0);
        CHECK(first != 34);
        REQUIRE(bench.group_new().status == 0);
        CHECK(bench.send(1, 0x01C1, 4, body).status == (hardened ? 0 : 34));
    }
}

TEST_CASE("GROUP_REGISTER escrows the group keys to whoever knows the exponent") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_group_register_repeatable, hardened);
        bench.behaviours.set(behaviour::vtpmmgr_regproof_forgeable_by_quote, hardened);
        bench.provision();
        const bytes exponent = seq(3, 256), prime = dh_prime();
        const bytes peer = power(unhex("02"), exponent, prime);
        const bytes body = concat({u32(0), peer, bench.saa.sign(peer), unhex("0003010000")});
        CHECK(bench.manage(0x02000105, concat({u32(0), peer, bench.saa.sign(seq(0, 9)), unhex("0003010000")}))
                  .status == 9);
        const answer made = bench.manage(0x02000105, body);
        REQUIRE(made.status == 0);
        CHECK(made.length == 554);
        const bytes theirs = part(made.body, 0, 256), blob = part(made.body, 256, 32);
        const auto pad = vtwin::models::manager::sha256(power(theirs, exponent, prime));
        const auto& keys = *bench.manager->tree().groups[0]->keys;
        bytes opened = blob;
        for (std::size_t i = 0; i < 32; ++i)
            opened[i] ^= pad[i];
        CHECK(opened == concat({keys.group_key, keys.rollback_mac_key}));
        const bytes digest = sha1_of(concat({unhex("52454752"), peer, theirs, blob}));
        const bytes pcrs = sha1_of(concat({unhex("000301000000000014"), bytes(20)}));
        const bytes quoted = concat({unhex("0101000051554f54"), pcrs, sha1_of(concat({bytes(4), digest}))});
        CHECK(signature_holds(bench.manager->tree().groups[0]->aik_modulus, part(made.body, 288, 256),
                              quoted) == !hardened);
        CHECK(bench.manage(0x02000105, body).status == (hardened ? 9 : 0));
        REQUIRE(bench.reboot());
        bench.connect(1, 1);
        REQUIRE(bench.load(1).status == 0);
        CHECK(bench.manage(0x02000105, body).status == 9);  // first boot is over
    }
}

TEST_CASE("GROUP_ACTIVATE opens a privacy CA's blob at locality 2 and is refused at 0") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_aik_released_with_wrong_command, hardened);
        bench.command_line = "tpmlocality=2";
        bench.chip.locality = 2;
        bench.provision();
        scripted_entropy entropy;
        tpm12::client owner([&](byte_view command) { return bench.chip.engine.execute(command, 0); },
                            entropy);
        auto session = owner.oiap();
        REQUIRE(session);
        const auto ek = owner.owner_read_internal_pub(tpm12::handle::ek, {session.value});
        REQUIRE(ek);
        tpm12::key aik = tpm12::key::identity_template();
        const auto& modulus = bench.manager->tree().groups[0]->aik_modulus;
        aik.modulus.assign(modulus.begin(), modulus.end());
        const bytes contents = tpm12::asym_ca_contents({.data = seq(9, 16)}, aik.public_part());
        const bytes blob = tpm12::oaep_encrypt(ek.value.modulus, contents, entropy);
        bench.chip.ordinals.clear();
        const answer got = bench.manage(0x02000104, wire_writer().u32(0).sized32(blob).take());
        REQUIRE(got.status == 0);
        CHECK(hex(got.body) == "0000000600010010" + hex(seq(9, 16)));
        CHECK(bench.chip.ordinals ==
              std::vector<std::uint32_t>{200, 20, 20, 20, 32, 10, 10, 122, 150, 150, hardened ? 186u : 150u});
        CHECK(owner.get_handles(tpm12::resource::key).value.size() == (hardened ? 0 : 1));
        bench.chip.locality = 0;
        CHECK(bench.manage(0x02000104, wire_writer().u32(0).sized32(blob).take()).status == 51);
    }
}

TEST_CASE("GROUP_DEL checks its index and group 0 as badly as upstream unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_group_delete_index_off_by_one, hardened);
        bench.behaviours.set(behaviour::vtpmmgr_group0_deletable, hardened);
        bench.provision();
        REQUIRE(bench.group_new().status == 0);
        CHECK(bench.manage(0x02000103, u32(3)).status == 2);
        CHECK(bench.manage(0x02000103, concat({u32(1), seq(0, 1)})).status == 3);
        CHECK(bench.manage(0x02000103, u32(1)).status == 0);
        CHECK(bench.manage(0x02000101).body == u32(1));
        CHECK(bench.manage(0x02000103, u32(0)).status == (hardened ? 9 : 0));
        if (hardened)
            CHECK(bench.manage(0x02000103, u32(1)).status == 2);
        else
            CHECK_THROWS_AS(bench.manage(0x02000103, u32(0)), domain_crash);
    }
}

TEST_CASE("VTPM_NEW and VTPM_LIST and VTPM_DEL keep the records of a group") {
    manager_bench bench;
    bench.provision();
    const auto uuid = [](unsigned number) { return bytes(16, std::byte(number)); };
    CHECK(bench.manage(0x02000204, concat({u32(0), uuid(7)})).body == uuid(7));
    const answer random = bench.manage(0x02000204, u32(0));
    REQUIRE(random.body.size() == 16);
    CHECK((random.body[6] & std::byte{0xF0}) == std::byte{0x40});
    CHECK(bench.manage(0x02000204, concat({u32(0), uuid(7), seq(0, 1)})).status == 3);
    CHECK(bench.manage(0x02000204, u32(1)).status == 2);
    CHECK(bench.manage(0x02000201, concat({u32(0), u32(0), seq(0, 3)})).body ==
          concat({u32(3), uuid(1), uuid(7), random.body}));
    CHECK(bench.manage(0x02000201, concat({u32(0), u32(2)})).body == concat({u32(3), random.body}));
    CHECK(bench.manage(0x02000201, concat({u32(0), u32(9)})).body == u32(3));
    bench.connect(7, 7);
    bench.backend.labels[7] = bench.good_label;
    CHECK(bench.load(7).body == bytes(52));
    CHECK(bench.manage(0x02000205, uuid(7)).status == 9);  // open
    bench.disconnect(7);
    CHECK(bench.manage(0x02000205, uuid(7)).status == 0);
    CHECK(bench.manage(0x02000205, uuid(7)).status == 9);
    CHECK(bench.manage(0x02000201, concat({u32(0), u32(0)})).body == concat({u32(2), uuid(1), random.body}));
}

TEST_CASE("a long list of vTPMs exceeds the page unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_reply_exceeds_page, hardened);
        REQUIRE(bench.boot());
        bench.connect(1, 1);
        REQUIRE(bench.save(1, 1).status == 0);
        for (unsigned i = 0; i < 599; ++i)
            REQUIRE(bench.manage(0x02000204, u32(0)).status == 0);
        CHECK(bench.manage(0x02000201, concat({u32(0), u32(0)})).length == (hardened ? 4078 : 8190));
    }
}

TEST_CASE("a deleted vTPM comes back after a restart unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_vtpm_delete_not_persisted, hardened);
        bench.behaviours.set(behaviour::vtpmmgr_duplicate_uuid_accepted, hardened);
        bench.provision();
        const bytes uuid(16, std::byte{9});
        REQUIRE(bench.manage(0x02000204, concat({u32(0), uuid})).status == 0);
        CHECK(bench.manage(0x02000204, concat({u32(0), uuid})).status == (hardened ? 9 : 0));
        if (!hardened)
            REQUIRE(bench.manage(0x02000205, uuid).status == 0);
        const auto written = bench.disk.written.size();
        REQUIRE(bench.manage(0x02000205, uuid).status == 0);
        CHECK((bench.disk.written.size() > written) == hardened);
        REQUIRE(bench.reboot());
        bench.connect(9, 9);
        bench.backend.labels[9] = bench.good_label;
        CHECK(bench.load(9).status == (hardened ? 3 : 0));
    }
}

TEST_CASE("a record deleted under its connection goes on answering unless hardened") {
    for (const bool hardened : {false, true}) {
        manager_bench bench;
        bench.behaviours.set(behaviour::vtpmmgr_vtpm_delete_frees_bound_record, hardened);
        bench.provision();
        bench.connect(5, 5);
        REQUIRE(bench.save(5, 0x5A).status == 0);  // bound, not open
        CHECK(bench.manage(0x02000205, bytes(16, std::byte{5})).status == (hardened ? 9 : 0));
        CHECK(bench.load(5).body == bytes(52, std::byte{0x5A}));
        bench.connect(6, 5);
        CHECK(bench.load(6).status == (hardened ? 9 : 3));
    }
}

TEST_CASE("the manager with every hardening provisions and saves and quotes and restarts") {
    manager_bench bench;
    bench.behaviours.set_all(true);
    bench.command_line = "admin_uuid=01010101-0101-0101-0101-010101010101 tpmlocality=2";
    bench.chip.locality = 2;
    bench.provision();
    CHECK(bench.disk.flushes == 3);  // before the root, behind it, at the end
    REQUIRE(bench.manage(0x02000204, concat({u32(0), bytes(16, std::byte{2})})).status == 0);
    bench.connect(2, 2);
    bench.backend.labels[2] = bench.good_label;
    REQUIRE(bench.load(2).status == 0);
    REQUIRE(bench.save(2, 0x2A).status == 0);
    REQUIRE(bench.group_update(0, bench.list(2, {bench.composite(0xF)}, {bench.label()}), {0xF}).status == 0);
    REQUIRE(bench.send(2, 0x01C1, 4, request_quote(seq(0, 20), unhex("ff0000"), 15)).status == 0);
    for (int restart = 0; restart < 3; ++restart) {
        REQUIRE(bench.reboot());
        bench.connect(2, 2);
        CHECK(bench.load(2).body == bytes(52, std::byte{0x2A}));
        CHECK(bench.save(2, 0x2A).status == 0);
    }
    bench.disk.content[4096 * 2 + 100] ^= std::byte{1};
    bench.disk.content[4096 * 3 + 100] ^= std::byte{1};
    CHECK_FALSE(bench.reboot());  // never a new manager over an old one's disk
}
