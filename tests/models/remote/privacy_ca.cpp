#include "models/remote/privacy_ca.h"

#include <catch2/catch.hpp>

#include "tests/models/remote/attested_guest.h"

using namespace vtwin::test;

namespace {

enrol_reply enrol(attested_guest& world, const char* service, const enrol_request& request) {
    return *from_json<enrol_reply>(world.parties->handle(service, to_json(request)));
}

}  // namespace

TEST_CASE("the holder of the EK opens the CA's answer") {
    attested_guest world;
    const remote::rsa_key ek = make_key("ek");
    world.guest_ek = ek.modulus();
    const enrol_reply reply = enrol(world, "ca/enrol-guest", world.guest_request());
    REQUIRE(reply.accepted);
    // TPM_ASYM_CA_CONTENTS: algId AES-128, encScheme CBC with PKCS#5 padding, size, key, SHA-1 of the AIK
    const bytes contents = ek.decrypt_oaep(reply.asym_blob);
    REQUIRE(contents.size() == 4 + 2 + 2 + 16 + 20);
    CHECK(to_hex(byte_view(contents).first(8)) == "0000000600ff0010");
    CHECK(to_hex(byte_view(contents).last(20)) == to_hex(remote::sha1(aik_public(world.guest_aik))));
    CHECK(world.guest_aik.decrypt_oaep(reply.asym_blob).empty());

    const byte_view blob(reply.sym_blob), key = byte_view(contents).subspan(8, 16);
    const bytes certificate = remote::decrypt_cbc(key, blob.first(16), blob.subspan(16));
    CHECK(certificate == world.parties->ca().certificates().back().certificate);
    const auto view = remote::parse_certificate(certificate);
    REQUIRE(view);
    CHECK(view->subject == "guest1");
    CHECK(view->role == remote::key_role::guest_attestation);
    CHECK(view->modulus == world.guest_aik.modulus());
    std::string reason;
    CHECK(remote::verify_chain(certificate, world.parties->ca().root(), reason));
    CHECK_FALSE(remote::verify_chain(certificate, world.parties->manufacturer().root(), reason));
    CHECK(reason == "unable to get local issuer certificate");
}

TEST_CASE("a platform enrols only with a certified EK") {
    attested_guest world;
    const enrol_request good = world.platform_request();
    CHECK(enrol(world, "ca/enrol-platform", good).accepted);

    enrol_request bad = good;
    bad.ek_certificate.clear();
    CHECK(enrol(world, "ca/enrol-platform", bad).reason == "there is no certificate for the EK");
    bad = good;
    bad.ek_certificate = world.guest_certificate;
    CHECK(enrol(world, "ca/enrol-platform", bad).reason == "there is no certificate for the EK");
    bad = good;
    bad.ek_certificate.back() ^= std::byte{1};
    CHECK(enrol(world, "ca/enrol-platform", bad).reason ==
          "the EK certificate does not lead to the manufacturer: certificate signature failure");
    bad = good;
    bad.ek_public = ek_public(world.guest_ek);
    CHECK(enrol(world, "ca/enrol-platform", bad).reason == "the EK certificate is for another key");
    bad = good;
    bad.label = std::string(1, 'x');
    CHECK(enrol(world, "ca/enrol-platform", bad).reason == "a platform's identity label has to be empty");
}

TEST_CASE("an identity binding must hold for label and key and CA") {
    attested_guest world;
    const enrol_request good = world.guest_request();
    const std::string refusal =
        "the identity binding is not the AIK's signature over its TPM_IDENTITY_CONTENTS";
    enrol_request bad = good;
    bad.label += "!";
    CHECK(enrol(world, "ca/enrol-guest", bad).reason == refusal);
    bad = good;
    bad.identity_binding[100] ^= std::byte{1};
    CHECK(enrol(world, "ca/enrol-guest", bad).reason == refusal);
    bad = good;
    bad.aik_public = aik_public(world.group_aik);
    CHECK(enrol(world, "ca/enrol-guest", bad).reason == refusal);
    bad = good;
    bad.label.clear();
    CHECK(enrol(world, "ca/enrol-guest", bad).reason ==
          "the identity label is empty, so the binding names no CA");
    bad = good;
    bad.aik_public = ek_public(world.guest_aik.modulus());
    CHECK_FALSE(enrol(world, "ca/enrol-guest", bad).accepted);
    bad = good;
    bad.ek_public = aik_public(world.guest_ek);
    CHECK_FALSE(enrol(world, "ca/enrol-guest", bad).accepted);
    bad = good;
    bad.subject = std::string("a\nb");
    CHECK_FALSE(enrol(world, "ca/enrol-guest", bad).accepted);
    bad.subject = std::string(65, 'a');
    CHECK_FALSE(enrol(world, "ca/enrol-guest", bad).accepted);
    CHECK(enrol(world, "ca/enrol-guest", good).accepted);
}

TEST_CASE("the same seed makes the same certificates and another seed others") {
    const auto roots = [](std::uint64_t seed) {
        remote_parties parties(
            {}, [&](std::string_view consumer) { return std::make_unique<chance_stream>(seed, consumer); });
        return join({parties.ca().root(), parties.manufacturer().root(), parties.authority().modulus()});
    };
    const bytes first = roots(1);
    CHECK(first == roots(1));
    CHECK(first != roots(2));
}

TEST_CASE("the manufacturer knows the chips that it made") {
    attested_guest world;
    const auto ask = [&](const bytes& ek) {
        return from_json<ek_certificate_reply>(
                   world.parties->handle("manufacturer/ek-certificate", to_json(ek_certificate_request{ek})))
            ->certificate;
    };
    CHECK(ask(ek_public(world.chip_ek)) == world.platform_request().ek_certificate);
    CHECK(ask(ek_public(world.guest_ek)).empty());
    CHECK(ask({}).empty());
    CHECK(world.parties->certify_chip(aik_public(world.chip_ek)).empty());
}
