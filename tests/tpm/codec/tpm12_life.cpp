// A TPM 1.2's life as the manager lives it, against libtpms, with the signatures checked by bare OpenSSL
// calls.
#include <catch2/catch.hpp>

#include <openssl/bn.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "tests/tpm/support.h"
#include "tpm/codec/tpm12_client.h"
#include "tpm/codec/tpm12_crypto.h"
#include "tpm/engine/firmware12.h"

using namespace vtwin::tpm;
using namespace vtwin::tpm::test;
namespace t12 = vtwin::tpm::tpm12;

namespace {

constexpr t12::secret owner_auth = {std::byte{0x11}, std::byte{0x22}};
constexpr t12::secret srk_auth = {std::byte{0x33}};
constexpr t12::secret aik_auth = {std::byte{0x44}};
constexpr t12::secret no_auth{};

/// A ready TPM with a client that remembers the sizes that went over the wire.
struct owned_tpm {
    explicit owned_tpm(libtpms_host& host, std::uint64_t seed = 1)
        : tpm(host, family::tpm12, seed), nonces(seed + 1000), client(transmitter(), nonces) {
        REQUIRE(make_ready_for_use(tpm.engine) == 0);
    }
    t12::transmit_fn transmitter() {
        return [this](byte_view command) {
            last_command.assign(command.begin(), command.end());
            last_response = tpm.engine.execute(command, 0);
            return last_response;
        };
    }
    /// EK, ownership, and the global OIAP session.
    void own() {
        ek = client.create_endorsement_key_pair().value;
        session = client.oiap().value;
        auto owned = client.take_ownership(ek, owner_auth, srk_auth, session);
        REQUIRE(owned.code == 0);
        srk = owned.value;
    }
    t12::answer<t12::identity> make_aik() {
        auto first = client.oiap().value;
        auto owner = client.osap(t12::entity::owner, 0, owner_auth).value;
        return client.make_identity(aik_auth, t12::digest{}, {first, srk_auth}, {owner, {}, false});
    }
    t12::stored_data seal(byte_view data, const t12::pcr_info_long& info) {
        auto parent = client.osap(t12::entity::keyhandle, t12::handle::srk, srk_auth).value;
        auto sealed = client.seal(t12::handle::srk, no_auth, info, data, {parent, {}, false});
        REQUIRE(sealed.code == 0);
        CHECK_FALSE(parent.is_open());  // continue = 0: closed by use
        return sealed.value;
    }
    t12::answer<bytes> unseal(const t12::stored_data& blob) {
        auto data = client.oiap().value;
        auto result = client.unseal(t12::handle::srk, blob, {session, srk_auth}, {data, no_auth});
        client.terminate(data);
        return result;
    }

    bench_tpm tpm;
    seeded_entropy nonces;
    t12::client client;
    bytes last_command, last_response;
    t12::public_key ek;
    t12::auth_session session;
    t12::key srk;
};

t12::pcr_info_long current_pcrs(owned_tpm& tpm, std::uint32_t mask) {
    std::vector<t12::digest> pcrs;
    for (std::uint32_t i = 0; i < t12::pcr_count; ++i)
        pcrs.push_back(tpm.client.pcr_read(i).value);
    t12::pcr_info_long info;
    info.creation_selection = info.release_selection = t12::pcr_selection::of(mask);
    info.digest_at_creation = info.digest_at_release = t12::composite_hash(info.release_selection, pcrs);
    return info;
}

/// RSASSA-PKCS1-v1_5 with SHA-1, e = 65537, by OpenSSL alone.
bool signature_is_good(byte_view modulus, byte_view message, byte_view signature) {
    unsigned char hash[SHA_DIGEST_LENGTH];
    SHA1(reinterpret_cast<const unsigned char*>(message.data()), message.size(), hash);
    RSA* rsa = RSA_new();
    BIGNUM* n =
        BN_bin2bn(reinterpret_cast<const unsigned char*>(modulus.data()), int(modulus.size()), nullptr);
    BIGNUM* e = BN_new();
    BN_set_word(e, 65537);
    RSA_set0_key(rsa, n, e, nullptr);
    const int good =
        RSA_verify(NID_sha1, hash, sizeof hash, reinterpret_cast<const unsigned char*>(signature.data()),
                   unsigned(signature.size()), rsa);
    RSA_free(rsa);
    return good == 1;
}

}  // namespace

TEST_CASE("taking ownership installs an owner whose secret the state holds") {
    libtpms_host host;
    owned_tpm tpm(host);
    CHECK_FALSE(tpm.tpm.engine.owner_auth());
    CHECK(tpm.client.read_pubek().code == t12::rc::no_endorsement);
    const auto ek = tpm.client.create_endorsement_key_pair();
    REQUIRE(ek.code == 0);
    CHECK(tpm.last_command.size() == 54);
    CHECK(ek.value.encode().size() == 284);
    CHECK_FALSE(tpm.tpm.engine.owner_auth());
    CHECK(tpm.client.read_pubek().value.modulus == ek.value.modulus);
    CHECK(tpm.last_command.size() == 30);

    tpm.session = tpm.client.oiap().value;
    CHECK(tpm.last_command.size() == 10);
    const auto srk = tpm.client.take_ownership(ek.value, owner_auth, srk_auth, tpm.session);
    REQUIRE(srk.code == 0);
    CHECK(tpm.last_command.size() == 624);
    CHECK(srk.value.modulus.size() == 256);
    CHECK(tpm.tpm.engine.owner_auth() == owner_auth);
    CHECK(tpm.session.is_open());

    CHECK(tpm.client.disable_pubek_read({tpm.session, owner_auth}) == 0);
    CHECK(tpm.last_command.size() == 55);
    CHECK(tpm.client.read_pubek().code == t12::rc::disabled_cmd);
    CHECK(tpm.client.owner_read_internal_pub(t12::handle::ek, {tpm.session, owner_auth}).value.modulus ==
          ek.value.modulus);
    CHECK(tpm.client.owner_clear({tpm.session, owner_auth}) == 0);
    CHECK_FALSE(tpm.tpm.engine.owner_auth());
}

TEST_CASE("an owner with the well known secret is an owner") {
    libtpms_host host;
    owned_tpm tpm(host);
    tpm.ek = tpm.client.create_endorsement_key_pair().value;
    tpm.session = tpm.client.oiap().value;
    CHECK_FALSE(tpm.tpm.engine.owner_auth());
    REQUIRE(tpm.client.take_ownership(tpm.ek, no_auth, no_auth, tpm.session).code == 0);
    CHECK(tpm.tpm.engine.owner_auth() == no_auth);
}

TEST_CASE("sealed data comes back while the PCRs stay and not after") {
    libtpms_host host;
    owned_tpm tpm(host);
    tpm.own();
    const bytes data(84, std::byte{0x5A});
    const auto blob = tpm.seal(data, current_pcrs(tpm, 0xFF));
    CHECK(tpm.last_command.size() == 141 + 84);
    CHECK(blob.encode().size() == 322);
    CHECK(blob.tag == t12::tag_stored_data12);
    CHECK(blob.seal_info == current_pcrs(tpm, 0xFF).encode());

    const auto opened = tpm.unseal(blob);
    REQUIRE(opened.code == 0);
    CHECK(opened.value == data);
    CHECK(tpm.session.is_open());

    t12::digest measurement{};
    CHECK(tpm.client.extend(3, measurement).code == 0);
    CHECK(tpm.unseal(blob).code == t12::rc::wrongpcrval);
    CHECK_FALSE(tpm.session.is_open());                           // the TPM closed it, the client forgot it
    CHECK(tpm.unseal(blob).code == t12::rc::invalid_authhandle);  // sent with handle 0
}

TEST_CASE("a quote by a loaded identity key verifies and a changed bit does not") {
    libtpms_host host;
    owned_tpm tpm(host);
    tpm.own();
    auto aik = tpm.make_aik();
    REQUIRE(aik.code == 0);
    CHECK(tpm.last_command.size() == 187);
    CHECK(aik.value.key.encode().size() == 559);
    CHECK(aik.value.binding.size() == 256);
    const bytes contents = t12::identity_contents({}, aik.value.key.public_part());
    CHECK(signature_is_good(aik.value.key.modulus, contents, aik.value.binding));

    // The manager stores modulus and encData only and rebuilds the rest.
    auto rebuilt = t12::key::identity_template();
    rebuilt.modulus = aik.value.key.modulus;
    rebuilt.enc_data = aik.value.key.enc_data;
    REQUIRE(rebuilt.encode() == aik.value.key.encode());

    const auto loaded = tpm.client.load_key(t12::handle::srk, rebuilt, {tpm.session, srk_auth});
    REQUIRE(loaded.code == 0);
    CHECK(tpm.last_command.size() == 618);
    CHECK(tpm.last_response.size() == 10 + 4 + 41);
    CHECK(tpm.client.get_handles(t12::resource::key).value == std::vector<std::uint32_t>{loaded.value});

    t12::digest external{};
    external[0] = std::byte{0x77};
    const auto selection = t12::pcr_selection::of(0x30);
    auto session = tpm.client.oiap().value;
    const auto quote = tpm.client.quote(loaded.value, external, selection, {session, aik_auth});
    REQUIRE(quote.code == 0);
    CHECK(tpm.last_command.size() == 81 + 3);
    CHECK(quote.value.composite == t12::pcr_composite(selection, std::vector<t12::digest>(24)));
    auto info = t12::quote_info(t12::composite_hash(selection, std::vector<t12::digest>(24)), external);
    CHECK(info.size() == 48);
    CHECK(signature_is_good(rebuilt.modulus, info, quote.value.signature));
    info.back() ^= std::byte{1};
    CHECK_FALSE(signature_is_good(rebuilt.modulus, info, quote.value.signature));

    CHECK(tpm.client.terminate(session) == 0);
    CHECK(tpm.client.flush_specific(loaded.value, t12::resource::key) == 0);
    CHECK(tpm.last_command.size() == 18);
    CHECK(tpm.client.get_handles(t12::resource::key).value.empty());
    CHECK(tpm.last_command.size() == 22);
}

TEST_CASE("a TPM_Quote2 signs the locality it was asked at with the PCRs") {
    libtpms_host host;
    owned_tpm tpm(host);
    tpm.own();
    const auto aik = tpm.make_aik();
    REQUIRE(aik.code == 0);
    const auto loaded = tpm.client.load_key2(t12::handle::srk, aik.value.key, {tpm.session, srk_auth});
    REQUIRE(loaded.code == 0);
    t12::digest nonce{};
    nonce[0] = std::byte{0x77};
    const auto selection = t12::pcr_selection::of(0x30);
    auto session = tpm.client.oiap().value;
    const auto quote = tpm.client.quote2(loaded.value, nonce, selection, {session, aik_auth});
    REQUIRE(quote.code == 0);
    CHECK(tpm.last_command.size() == 82 + 3);
    t12::pcr_info_short expected{selection, 1, t12::composite_hash(selection, std::vector<t12::digest>(24))};
    CHECK(quote.value.pcr_info == expected.encode());
    auto info = t12::quote_info2(quote.value.pcr_info, nonce);
    CHECK(to_hex(byte_view(info).first(7)) == "00365155543277");
    REQUIRE(info.size() == 52);
    CHECK(signature_is_good(aik.value.key.modulus, info, quote.value.signature));
    for (const std::size_t at : {0, 5, 6, 27, 31, 51}) {
        info[at] ^= std::byte{1};
        CHECK_FALSE(signature_is_good(aik.value.key.modulus, info, quote.value.signature));
        info[at] ^= std::byte{1};
    }
    CHECK(tpm.client.quote2(loaded.value, nonce, selection, {session, no_auth}).code == t12::rc::authfail);
}

TEST_CASE("a privacy CA's secret reaches the TPM that holds the identity") {
    libtpms_host host;
    owned_tpm tpm(host);
    tpm.own();
    const auto aik = tpm.make_aik();
    REQUIRE(aik.code == 0);
    const auto loaded = tpm.client.load_key2(t12::handle::srk, aik.value.key, {tpm.session, srk_auth});
    REQUIRE(loaded.code == 0);
    CHECK(tpm.last_response.size() == 10 + 4 + 41);

    t12::symmetric_key session_key;
    session_key.data = bytes(16, std::byte{0xA5});
    seeded_entropy seeds(5);
    const auto activate = [&](const t12::public_key& identity) {
        const auto blob =
            t12::oaep_encrypt(tpm.ek.modulus, t12::asym_ca_contents(session_key, identity), seeds);
        REQUIRE(blob.size() == 256);
        auto first = tpm.client.oiap().value;
        auto second = tpm.client.oiap().value;
        auto result =
            tpm.client.activate_identity(loaded.value, blob, {first, aik_auth}, {second, owner_auth});
        tpm.client.terminate(first);
        tpm.client.terminate(second);
        return result;
    };
    const auto activated = activate(aik.value.key.public_part());
    REQUIRE(activated.code == 0);
    CHECK(activated.value.data == session_key.data);
    CHECK(activate(tpm.srk.public_part()).code == t12::rc::bad_parameter);  // made for another identity
    CHECK(tpm.last_command.size() == 108 + 256);
}

TEST_CASE("wrapped keys carry both secrets and sign quotes") {
    libtpms_host host;
    owned_tpm tpm(host);
    tpm.own();
    auto parent = tpm.client.osap(t12::entity::keyhandle, t12::handle::srk, srk_auth).value;
    CHECK(tpm.last_command.size() == 36);
    const auto wrapped = tpm.client.create_wrap_key(t12::handle::srk, aik_auth, owner_auth,
                                                    t12::key::signing_template(), {parent, {}, false});
    REQUIRE(wrapped.code == 0);
    const auto loaded = tpm.client.load_key2(t12::handle::srk, wrapped.value, {tpm.session, srk_auth});
    REQUIRE(loaded.code == 0);
    auto session = tpm.client.oiap().value;
    CHECK(tpm.client.quote(loaded.value, {}, t12::pcr_selection::of(1), {session, aik_auth}).code == 0);
    CHECK(tpm.client.quote(loaded.value, {}, t12::pcr_selection::of(1), {session, no_auth}).code ==
          t12::rc::authfail);
}

TEST_CASE("wrong secrets are refused and end the session") {
    libtpms_host host;
    owned_tpm tpm(host);
    tpm.own();
    CHECK(tpm.client.disable_pubek_read({tpm.session, srk_auth}) == t12::rc::authfail);
    CHECK_FALSE(tpm.session.is_open());
    CHECK(tpm.client.disable_pubek_read({tpm.session, owner_auth}) == t12::rc::invalid_authhandle);

    const auto blob = tpm.seal(bytes(20), current_pcrs(tpm, 0));
    tpm.session = tpm.client.oiap().value;
    auto data = tpm.client.oiap().value;
    CHECK(tpm.client.unseal(t12::handle::srk, blob, {tpm.session, srk_auth}, {data, aik_auth}).code ==
          t12::rc::auth2fail);
    CHECK_FALSE(data.is_open());
}
