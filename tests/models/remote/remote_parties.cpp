#include "models/remote/remote_parties.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "models/remote/certificates.h"
#include "models/remote/evidence_files.h"
#include "models/remote/policy_file.h"
#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

TEST_CASE("unknown services and broken bodies get no reply") {
    attested_guest world;
    CHECK(world.parties->handle("ca/enrol", "{}").empty());
    CHECK(world.parties->refusals().back() == "ca/enrol: there is no such service");
    for (const char* service :
         {"manufacturer/ek-certificate", "ca/public-key", "ca/enrol-platform", "ca/enrol-guest",
          "saa/public-key", "saa/configuration", "verifier/challenge", "verifier/evidence"}) {
        INFO(service);
        CHECK(world.parties->handle(service, "[]").empty());
        CHECK(world.parties->refusals().back() ==
              std::string(service) + ": the request is not a valid message of this service");
    }
}

TEST_CASE("the CA tells its public key as a TPM_PUBKEY") {
    attested_guest world;
    const auto reply = from_json<ca_key_reply>(world.parties->handle("ca/public-key", "{}"));
    REQUIRE(reply);
    CHECK(reply->public_key.size() == 284);
    CHECK(remote::parse_pubkey(reply->public_key));
}

TEST_CASE("evidence is kept as files for public tools") {
    attested_guest world;
    const evidence shown = world.honest();
    REQUIRE(world.judge(shown).trusted);
    world.with_evidence([](evidence& e) { e.guest = "../x"; });
    const auto files = evidence_files(*world.parties);
    CHECK(files.contains("guest1-1/verdict.json"));
    CHECK(files.contains("___x-1/verdict.json"));
    CHECK(to_hex(files.at("guest1-1/quote-info.bin")) ==
          "01010000"
          "51554f54" +
              to_hex(remote::sha1(shown.quote_composite)) + to_hex(shown.nonce));
    CHECK(remote::verify_sha1(world.guest_aik.modulus(), files.at("guest1-1/quote-info.bin"),
                              files.at("guest1-1/quote.sig")));
    CHECK(files.at("guest1-1/deep-quote-info.bin").size() == 48);
    CHECK(remote::verify_sha1(world.group_aik.modulus(), files.at("guest1-1/deep-quote-info.bin"),
                              files.at("guest1-1/deep-quote.sig")));
    const auto pem = files.at("guest1-1/aik.pem");
    CHECK(to_hex(byte_view(pem).first(27)) == to_hex(ascii("-----BEGIN CERTIFICATE-----")));
    // first entry: PCR 10, SHA-1, "ima-ng", template data of 6 + 20 and 15 octets with their lengths
    const bytes& list = files.at("guest1-1/binary_runtime_measurements");
    CHECK(to_hex(byte_view(list).first(4)) == "0a000000");
    CHECK(to_hex(byte_view(list).subspan(24, 14)) == "06000000" + to_hex(ascii("ima-ng")) + "31000000");
    const bytes& pcrs = files.at("guest1-1/pcrs.txt");
    CHECK(pcrs.size() == 24 * (7 + 20 * 3 + 1));
    CHECK(files.at("guest1-1/aik.pub").size() == 302);
    CHECK_FALSE(files.contains("guest1-1/quote.hash"));
}

TEST_CASE("evidence of a TPM_Quote2 is kept in the form of tpm-quote-tools") {
    attested_guest world;
    machine_state state = world.honest_state();
    state.quote2 = true;
    const evidence shown = world.sign(state);
    REQUIRE(world.judge(shown).trusted);
    const auto files = evidence_files(*world.parties);
    const bytes& info = files.at("guest1-1/quote-info.bin");
    CHECK(to_hex(info) == "003651555432" + to_hex(shown.nonce) + to_hex(shown.quote2_pcr_info));
    CHECK(remote::verify_sha1(world.guest_aik.modulus(), info, files.at("guest1-1/quote.sig")));
    bytes hash = files.at("guest1-1/quote.hash");
    std::copy(shown.nonce.begin(), shown.nonce.end(), hash.begin() + 6);
    CHECK(hash == info);
    CHECK(files.at("guest1-1/quote.values").size() == 9 * 43 + 1);
    const auto checked = check_evidence_files(files, world.config);
    REQUIRE(checked.size() == 1);
    CHECK(checked[0].altered.empty());
    CHECK(checked[0].outcome.trusted);
    for (const char* name : {"aik.pub", "quote.hash", "quote.values", "quote-info.bin"}) {
        auto changed = files;
        changed.at(std::string("guest1-1/") + name).back() ^= std::byte{1};
        CHECK(check_evidence_files(changed, world.config)[0].altered ==
              std::vector<std::string>{std::string("guest1-1/") + name});
    }
}

TEST_CASE("what a guest says cannot look like a line of the verifier") {
    attested_guest world;
    world.with_evidence([](evidence& e) {
        e.boot_log[0].description = "kernel\nok   deep-quote: \x1b[2Jfine";
        e.boot_log[0].digest[0] ^= std::byte{1};
        e.ima_log = "10 " + to_hex(bytes(20)) + " ima-ng sha256:00 boot_aggregate\r\x1b[1A\n";
    });
    world.with_evidence([](evidence& e) { e.guest = "guest1: trusted\nok"; });
    const auto files = evidence_files(*world.parties);
    for (const auto& [name, content] : files) {
        if (!name.ends_with("verdict.txt") && !name.ends_with("boot-log.txt"))
            continue;
        INFO(name);
        for (const std::byte octet : content)
            CHECK((octet == std::byte{'\n'} || (octet >= std::byte{' '} && octet <= std::byte{'~'})));
    }
    const bytes& log = files.at("guest1-1/boot-log.txt");
    CHECK(std::count(log.begin(), log.end(), std::byte{'\n'}) == 3);
    const bytes& title = files.at("guest1__trusted_ok-1/verdict.txt");
    CHECK(to_hex(title).starts_with(to_hex(ascii("guest1: trusted\\x0aok: not trusted\n"))));
}

TEST_CASE(
    "the deep quote's layout and the policy are among the files and missing or repeated evidence is not") {
    attested_guest world;
    const evidence shown = world.honest();
    REQUIRE(world.judge(shown).trusted);
    REQUIRE(world.judge(world.honest()).trusted);
    const auto files = evidence_files(*world.parties);
    const bytes& numbers = files.at("guest1-1/deep-quote.json");
    CHECK(to_hex(numbers) == to_hex(ascii("{\n  \"flags\": 15,\n  \"vtpm_pcr_mask\": 1279,\n"
                                          "  \"hardware_pcr_mask\": 255,\n  \"locality\": 0\n}\n")));
    const bytes& policy = files.at("policy.json");
    const auto known = parse_policy_file({reinterpret_cast<const char*>(policy.data()), policy.size()});
    REQUIRE(known);
    CHECK(known->judged == std::vector<std::string>{"guest1-1", "guest1-2"});
    auto checked = check_evidence_files(files, known->policy, known->judged);
    REQUIRE(checked.size() == 2);
    CHECK((checked[0].outcome.trusted && checked[1].outcome.trusted));
    // One round's evidence instead of the other's, and one round's files gone.
    auto changed = files;
    changed["guest1-2/evidence.json"] = files.at("guest1-1/evidence.json");
    changed["guest1-1/xevidence.json"] = files.at("guest1-1/evidence.json");
    checked = check_evidence_files(changed, known->policy, known->judged);
    REQUIRE(checked.size() == 2);
    CHECK(checked[0].outcome.trusted);
    CHECK(failures(checked[1].outcome) == "nonce");
    changed.erase("guest1-2/evidence.json");
    checked = check_evidence_files(changed, known->policy, known->judged);
    REQUIRE(checked.size() == 2);
    CHECK(checked[1].problem == "there is no evidence.json");
}

TEST_CASE("an encrypted certificate is none and nobody is asked for its password") {
    attested_guest world;
    std::string pem = remote::to_pem(world.guest_certificate);
    REQUIRE_FALSE(remote::from_pem(pem).empty());
    pem.insert(pem.find('\n') + 1,
               "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n");
    CHECK(remote::from_pem(pem).empty());
}
