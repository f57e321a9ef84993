// The vTPM's program over a real TPM 2.0 engine: making and keeping it, what the guest may not do, the deep
// quote; and the privacy CA's credentials, which only the right TPM opens.
#include "models/vtpm/vtpm20.h"

#include <openssl/sha.h>

#include "models/attestation/activation.h"
#include "models/remote/remote_parties.h"
#include "tests/models/vtpm/program_bench.h"
#include "tpm/codec/tpm20_client.h"

using namespace vtwin;
using namespace vtwin::models;
using namespace vtwin::models::vtpm_test;
namespace t20 = tpm::tpm20;

namespace {

const bytes sha1_event(20, std::byte{1}), sha256_event(32, std::byte{2}), nonce(20, std::byte{9});
const bytes password(32, std::byte{7});

t20::client guest20(fake_clients& clients) {
    return t20::client([&clients](byte_view text) { return clients.command(text); });
}
void run20(const std::function<void(bench&)>& body) {
    simulate(body, tpm::family::tpm20);
}
bytes sha1(std::initializer_list<bytes> parts) {
    bytes all, digest(20);
    for (const bytes& part : parts)
        all.insert(all.end(), part.begin(), part.end());
    SHA1(reinterpret_cast<const unsigned char*>(all.data()), all.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}
std::uint32_t make_ak(t20::client& tpm) {
    const auto ak = tpm.create_primary(t20::handle::endorsement, password, t20::attestation_key_template());
    REQUIRE(ak);
    return ak.value.handle;
}

}  // namespace

TEST_CASE("a fresh vTPM 2.0 has two banks and keeps a record of 64 octets with SHA-256") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom& program) {
            auto tpm = guest20(client);
            CHECK(tpm.pcr_banks().value == std::vector<std::uint16_t>{t20::alg::sha1, t20::alg::sha256});
            CHECK(program.started_fresh());
            CHECK(bench.saves() == 1);
            REQUIRE(bench.manager.record.size() == 64);
            // The blob in the slot that was written has the record's hash.
            const byte_view slot = bench.disk.content;
            const auto size = tpm::load_be32(slot);
            bytes digest(32);
            SHA256(reinterpret_cast<const unsigned char*>(slot.data() + 4), size,
                   reinterpret_cast<unsigned char*>(digest.data()));
            CHECK(digest == bytes(bench.manager.record.begin(), bench.manager.record.begin() + 32));
            // A command that fails stores nothing.
            CHECK(tpm.pcr_extend(24, {{t20::alg::sha1, sha1_event}}) != 0);
            CHECK(bench.saves() == 1);
        });
        CHECK(bench.saves() == 2);  // orderly end
    });
}

TEST_CASE("a vTPM 2.0 tells the size of a ring page as its longest packet") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            // TPM_PT_MAX_COMMAND_SIZE and TPM_PT_MAX_RESPONSE_SIZE
            const bytes answer = client.command(t20::get_capability(t20::cap::tpm_properties, 0x11E, 2));
            CHECK(to_hex(byte_view(answer).subspan(19)) == "0000011e00000ff80000011f00000ff8");
        });
    });
}

TEST_CASE("a vTPM 2.0 keeps its keys over a restart and its PCRs over a save start") {
    run20([](bench& bench) {
        bytes ek, extended;
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            auto tpm = guest20(client);
            const auto made =
                tpm.create_primary(t20::handle::endorsement, {}, t20::endorsement_key_template());
            REQUIRE(made);
            ek = made.value.public_area;
            REQUIRE(tpm.evict_control(made.value.handle, 0x81010001) == 0);
            REQUIRE(tpm.pcr_extend(4, {{t20::alg::sha1, sha1_event}, {t20::alg::sha256, sha256_event}}) == 0);
            extended = tpm.pcr_read(t20::alg::sha256, 4).value;
            CHECK(extended != bytes(32));
        });
        bench.run(
            [&](fake_clients& client, vtpm_stubdom& program) {
                CHECK_FALSE(program.started_fresh());
                CHECK(guest20(client).pcr_read(t20::alg::sha256, 4).value == extended);
            },
            "save");
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            auto tpm = guest20(client);
            CHECK(tpm.pcr_read(t20::alg::sha256, 4).value == bytes(32));
            CHECK(tpm.read_public(0x81010001).value == ek);
            CHECK(tpm.pcr_banks().value.size() == 2);
        });
    });
}

TEST_CASE("an image whose record is lost makes a new TPM 2.0 when faithful and none when hardened") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) { CHECK(guest20(client).get_random(8)); });
        vtpm_params hardened;
        hardened.behaviours.set(behaviour::vtpm_load_error_becomes_fresh_tpm, true);
        bench.manager.record[0] ^= std::byte{1};
        const auto saves = bench.saves();
        bench.run([](fake_clients&, vtpm_stubdom&) {}, "", hardened);
        CHECK(bench.saves() == saves);  // it ended before its orderly end
        bench.run([&](fake_clients& client, vtpm_stubdom& program) {
            CHECK(guest20(client).get_random(8));
            CHECK(program.started_fresh());
        });
    });
}

TEST_CASE("a guest cannot act as the platform of its vTPM 2.0") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            // TPM2_Clear with the platform's empty password: TPM_RC_BAD_AUTH, first session
            const bytes clear = *from_hex("80020000001b000001264000000c00000009400000090000000000");
            CHECK(code_of(client.command(clear)) == 0x9A2);
        });
    });
}

TEST_CASE("a vTPM 2.0 refuses in its own words and speaks to the manager as any vTPM") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            CHECK(to_hex(client.command(*from_hex("800100"))) == "80010000000a00000101");
            CHECK(to_hex(client.command(t20::get_random(8), 7)) == "80010000000a00000101");
            // A TPM 1.2 command: the engine's answer.
            CHECK(to_hex(client.command(*from_hex("00c10000000e0000001500000004"))) ==
                  "00c40000000a0000001e");
            client.command(*from_hex("01c10000000a00000002"));
            CHECK(to_hex(bench.manager.last()) == "00c10000000a00000002");
        });
    });
}

TEST_CASE("a deep quote of a vTPM 2.0 hands the hash of the very quote to the manager") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            auto tpm = guest20(client);
            const auto ak = make_ak(tpm);
            const auto made = tpm.deep_quote(ak, password, nonce, {t20::alg::sha256, 0x30}, 0xFF, 3);
            REQUIRE(made);
            CHECK(made.value.manager_body == bench.manager.quote_body);
            CHECK(made.value.quote.signature.size() == 6 + 256);
            const bytes inner =
                sha1({bytes(4), *from_hex("44515432"),
                      sha1({nonce, sha1({made.value.quote.attest, made.value.quote.signature})}), bytes(1)});
            const auto asked = std::ranges::find_if(bench.manager.seen, [](const bytes& seen) {
                return tpm::load_be32(byte_view(seen).subspan(6)) == 4;
            });
            REQUIRE(asked != bench.manager.seen.end());
            CHECK(to_hex(*asked) == "01c10000002700000004" + to_hex(inner) + "0003ff0000" + "00000003");
            // An ordinary quote asks nobody.
            const auto before = bench.manager.seen.size();
            CHECK(tpm.quote(ak, password, nonce, {t20::alg::sha256, 0x30}));
            CHECK(bench.manager.seen.size() == before + 1);  // the save
        });
    });
}

TEST_CASE("a deep quote of a vTPM 2.0 needs the key's password and a manager that agrees") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            auto tpm = guest20(client);
            const auto ak = make_ak(tpm);
            const t20::pcr_choice pcrs{t20::alg::sha256, 0x30};
            const auto asked = [&] {
                return std::ranges::count_if(bench.manager.seen, [](const bytes& seen) {
                    return tpm::load_be16(seen) == 0x01C1 && tpm::load_be32(byte_view(seen).subspan(6)) == 4;
                });
            };
            CHECK(tpm.deep_quote(ak, nonce, nonce, pcrs, 0xFF, 3).code == 0x9A2);  // BAD_AUTH, session 1
            CHECK(tpm.deep_quote(ak + 1, password, nonce, pcrs, 0xFF, 3).code != 0);
            CHECK(asked() == 0);
            bench.manager.quote_status = 3;
            CHECK(tpm.deep_quote(ak, password, nonce, pcrs, 0xFF, 3).code == t20::rc::failure);
            CHECK(asked() == 1);
        });
    });
}

TEST_CASE("malformed deep quotes of a vTPM 2.0 reach neither the engine nor the manager") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            auto tpm = guest20(client);
            const auto ak = make_ak(tpm);
            bytes good = t20::quote_command(ak, password, nonce, {t20::alg::sha256, 0x30});
            tpm::store_be32(std::span(good).subspan(6, 4), t20::cc::deep_quote);
            const bytes tail = *from_hex("0003ff000000000003");
            good.insert(good.end(), tail.begin(), tail.end());
            tpm::store_be32(std::span(good).subspan(2, 4), static_cast<std::uint32_t>(good.size()));
            REQUIRE(code_of(client.command(good)) == 0);
            const auto seen = bench.manager.seen.size();
            for (std::size_t size = 10; size < good.size(); ++size) {
                bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
                tpm::store_be32(std::span(cut).subspan(2, 4), static_cast<std::uint32_t>(size));
                REQUIRE(code_of(client.command(cut)) == t20::rc::command_size);
            }
            bytes longer = good, wrong_size = good, huge_session = good, wide_selection = good,
                  untagged = good;
            longer.push_back({});
            tpm::store_be32(std::span(longer).subspan(2, 4), static_cast<std::uint32_t>(longer.size()));
            wrong_size[5] ^= std::byte{1};
            huge_session[14] = std::byte{0xFF};
            wide_selection[good.size() - 8] = std::byte{4};
            untagged[1] = std::byte{1};
            for (const bytes& bad : {longer, wrong_size, huge_session, wide_selection, untagged})
                CHECK(code_of(client.command(bad)) == t20::rc::command_size);
            CHECK(bench.manager.seen.size() == seen);
        });
    });
}

TEST_CASE("a deep quote of a vTPM 2.0 takes password sessions only") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            const std::string password_session = "400000090000010000";
            const std::string hmac_session = "020000000000010000", policy_session = "030000000000010000";
            const auto code = [&](const std::string& sessions) {
                bytes command = *from_hex("800200000000200000168000000000000000" + sessions +
                                          "0000001000000001000b033000000003ff000000000003");
                tpm::store_be32(std::span(command).subspan(2, 4), static_cast<std::uint32_t>(command.size()));
                tpm::store_be32(std::span(command).subspan(14, 4),
                                static_cast<std::uint32_t>(sessions.size() / 2));
                return code_of(client.command(command));
            };
            CHECK(guest20(client).get_random(8));  // it has started
            const auto seen = bench.manager.seen.size();
            CHECK(code(hmac_session) == 0x98B);  // TPM_RC_HANDLE, session 1
            CHECK(code(policy_session) == 0x98B);
            CHECK(code(password_session + hmac_session) == 0xA8B);
            CHECK(code(password_session + password_session + policy_session) == 0xB8B);
            CHECK(code("400000090000") == t20::rc::auth_size);
            CHECK(code(password_session + password_session + password_session + password_session) ==
                  t20::rc::auth_size);
            CHECK(code(password_session) == 0x910);  // the engine's: no such key, TPM_RC_REFERENCE_H0
            CHECK(bench.manager.seen.size() == seen);
        });
    });
}

TEST_CASE("only the TPM 2.0 with that EK and that AK opens the privacy CA's credential") {
    run20([](bench& bench) {
        bench.run([&](fake_clients& client, vtpm_stubdom&) {
            auto tpm = guest20(client);
            remote_parties parties(
                {}, [](std::string_view name) { return std::make_unique<chance_stream>(1, name); });
            const auto ek = tpm.create_primary(t20::handle::endorsement, {}, t20::endorsement_key_template());
            const auto ak =
                tpm.create_primary(t20::handle::endorsement, password, t20::attestation_key_template());
            REQUIRE(ek);
            REQUIRE(ak);
            const auto ask = [&](const bytes& ek_public, const bytes& ak_public) {
                return *from_json<enrol_tpm20_reply>(parties.handle(
                    "ca/enrol-guest-tpm20", to_json(enrol_tpm20_request{"g1", ek_public, ak_public})));
            };
            const auto reply = ask(ek.value.public_area, ak.value.public_area);
            REQUIRE(reply.accepted);
            const auto open = [&](const enrol_tpm20_reply& from) {
                return tpm.activate_credential(ak.value.handle, password, ek.value.handle,
                                               from.credential_blob, from.secret, sha256_event);
            };
            const auto key = open(reply);
            REQUIRE(key);
            CHECK(open_certificate_with(key.value, reply.sym_blob) ==
                  parties.ca().certificates().back().certificate);
            auto other_secret = reply, other_blob = reply;
            other_secret.secret[100] ^= std::byte{1};
            other_blob.credential_blob[40] ^= std::byte{1};
            CHECK_FALSE(open(other_secret));
            CHECK_FALSE(open(other_blob));
            // Another AK in the same TPM: another Name. Its modulus differs from the loaded key's in one bit.
            bytes forged = ak.value.public_area;
            forged[forged.size() - 3] ^= std::byte{2};
            const auto for_forged = ask(ek.value.public_area, forged);
            REQUIRE(for_forged.accepted);
            CHECK_FALSE(open(for_forged));
            // No AK, no EK.
            const auto swapped = ask(ak.value.public_area, ek.value.public_area);
            CHECK_FALSE(swapped.accepted);
            CHECK(swapped.reason.starts_with("the EK is none: its attributes are 0x00050472"));
            bytes unrestricted = ak.value.public_area;
            unrestricted[5] ^= std::byte{1};
            CHECK(
                ask(ek.value.public_area, unrestricted).reason.starts_with("the AK is none: its attributes"));
            bytes open_policy = ek.value.public_area;
            open_policy[12] ^= std::byte{1};
            CHECK(ask(open_policy, ak.value.public_area).reason ==
                  "the EK is none: its policy is not PolicySecret of the endorsement hierarchy");
        });
    });
}
