#include "tests/models/vtpmmgr/bench.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <catch2/catch.hpp>

#include "models/vtpmmgr/label.h"
#include "tpm/engine/openssl_entropy.h"

namespace vtwin::test {

struct authority::key_holder {
    EVP_PKEY* key = nullptr;
    ~key_holder() { EVP_PKEY_free(key); }
};

authority::authority() : m_key(std::make_unique<key_holder>()) {
    models::chance_stream chance(1, "authority");
    tpm::openssl_entropy_scope scope(chance);
    m_key->key = EVP_RSA_gen(2048);
}
authority::~authority() = default;

bytes authority::modulus() const {
    BIGNUM* n = nullptr;
    EVP_PKEY_get_bn_param(m_key->key, "n", &n);
    bytes result(256);
    BN_bn2binpad(n, reinterpret_cast<unsigned char*>(result.data()), 256);
    BN_free(n);
    return result;
}

bytes authority::sign(byte_view message) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha1(), nullptr, m_key->key);
    bytes signature(256);
    std::size_t length = signature.size();
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                   reinterpret_cast<const unsigned char*>(message.data()), message.size());
    EVP_MD_CTX_free(context);
    return signature;
}

bytes power(byte_view base, byte_view exponent, byte_view modulus) {
    const auto number = [](byte_view data) {
        return BN_bin2bn(reinterpret_cast<const unsigned char*>(data.data()), static_cast<int>(data.size()),
                         nullptr);
    };
    BN_CTX* context = BN_CTX_new();
    BIGNUM *b = number(base), *e = number(exponent), *m = number(modulus), *r = BN_new();
    BN_mod_exp(r, b, e, m, context);
    bytes result(256);
    BN_bn2binpad(r, reinterpret_cast<unsigned char*>(result.data()), 256);
    for (BIGNUM* n : {b, e, m, r})
        BN_free(n);
    BN_CTX_free(context);
    return result;
}

bytes dh_prime() {
    BIGNUM* p = BN_get_rfc3526_prime_2048(nullptr);
    bytes result(256);
    BN_bn2binpad(p, reinterpret_cast<unsigned char*>(result.data()), 256);
    BN_free(p);
    return result;
}

bool signature_holds(byte_view modulus, byte_view signature, byte_view message) {
    const bytes opened = power(signature, unhex("010001"), modulus);
    std::array<unsigned char, 20> digest;
    SHA1(reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data());
    const bytes expected =
        tpm::concat({unhex("0001"), bytes(218, std::byte{0xFF}), unhex("003021300906052b0e03021a05000414"),
                     std::as_bytes(std::span(digest))});
    return opened == expected;
}

manager::sha1_digest manager_bench::composite(std::uint32_t mask) {
    manager::pcr_values pcrs;
    for (std::uint32_t i = 0; i < 24; ++i) {
        const bytes response =
            chip.engine.execute(tpm::wire_writer().u16(0x00C1).u32(14).u32(21).u32(i).take(), 0);
        std::copy_n(response.begin() + 10, 20, pcrs[i].begin());
    }
    return manager::pcr_composite(mask, pcrs);
}

manager::sha1_digest manager_bench::label() const {
    return manager::label_hash(good_label);
}

void manager_bench::provision() {
    REQUIRE(boot());
    connect(1, 1);
    backend.labels[1] = good_label;
    REQUIRE(save(1, 0x11).status == 0);
    REQUIRE(group_new().status == 0);
    REQUIRE(group_update(0, list(1, {composite(0xFF)}, {label()}), {0xFF}).status == 0);
}

}  // namespace vtwin::test
