#include "models/remote/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <systemc>

#include "tpm/engine/openssl_entropy.h"

namespace vtwin::models::remote {
namespace {

constexpr unsigned public_exponent = 65537;

using key_context = std::unique_ptr<EVP_PKEY_CTX, freed_by<EVP_PKEY_CTX_free>>;
using digest_context = std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX_free>>;
using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, freed_by<EVP_CIPHER_CTX_free>>;
using big_number = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using param_builder = std::unique_ptr<OSSL_PARAM_BLD, freed_by<OSSL_PARAM_BLD_free>>;
using param_list = std::unique_ptr<OSSL_PARAM, freed_by<OSSL_PARAM_free>>;

const unsigned char* raw(byte_view data) {
    return reinterpret_cast<const unsigned char*>(data.data());
}
unsigned char* raw(bytes& data) {
    return reinterpret_cast<unsigned char*>(data.data());
}

bytes digest(const EVP_MD* algorithm, byte_view data) {
    bytes out(static_cast<std::size_t>(EVP_MD_get_size(algorithm)));
    const int done = EVP_Digest(data.data(), data.size(), raw(out), nullptr, algorithm, nullptr);
    sc_assert(done == 1);
    return out;
}

bool use_oaep(EVP_PKEY_CTX* context, const EVP_MD* hash, byte_view label) {
    if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md(context, hash) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) != 1)
        return false;
    void* owned = OPENSSL_memdup(label.data(), label.size());  // the context frees it
    return EVP_PKEY_CTX_set0_rsa_oaep_label(context, owned, static_cast<int>(label.size())) == 1;
}

// TPM 1.2: SHA-1 throughout, label "TCPA" (TPM Main Part 1, section "RSAES_OAEP").
bool use_tcpa_oaep(EVP_PKEY_CTX* context) {
    return use_oaep(context, EVP_sha1(), as_octets("TCPA"));
}

bytes run_cipher(const EVP_CIPHER* cipher, bool encrypt, byte_view key, byte_view iv, byte_view in) {
    sc_assert(key.size() == 16 && iv.size() == 16);
    const cipher_context context(EVP_CIPHER_CTX_new());
    bytes out(in.size() + 16);
    int first = 0, last = 0;
    if (EVP_CipherInit_ex(context.get(), cipher, nullptr, raw(key), raw(iv), encrypt) != 1 ||
        EVP_CipherUpdate(context.get(), raw(out), &first, raw(in), static_cast<int>(in.size())) != 1 ||
        EVP_CipherFinal_ex(context.get(), raw(out) + first, &last) != 1)
        return {};
    out.resize(static_cast<std::size_t>(first + last));
    return out;
}

}  // namespace

bytes sha1(byte_view data) {
    return digest(EVP_sha1(), data);
}

bytes sha256(byte_view data) {
    return digest(EVP_sha256(), data);
}

bytes hmac_sha256(byte_view key, byte_view data) {
    bytes out(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    const auto* done =
        HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), raw(data), data.size(), raw(out), &size);
    sc_assert(done != nullptr);
    out.resize(size);
    return out;
}

bytes digest_of(pcr_hash hash, byte_view data) {
    return hash == pcr_hash::sha1 ? sha1(data) : sha256(data);
}

std::size_t size_of(pcr_hash hash) {
    return hash == pcr_hash::sha1 ? 20 : 32;
}

bytes extend(pcr_hash hash, byte_view old_value, byte_view digest) {
    return digest_of(hash, octet_writer().raw(old_value).raw(digest).take());
}

rsa_key::rsa_key(tpm::entropy_if& entropy) {
    const tpm::openssl_entropy_scope seeded(entropy);
    const big_number exponent(BN_new());
    BN_set_word(exponent.get(), public_exponent);
    // RSA_generate_key_ex and EVP_PKEY_sign rather than newer functions: their results are remembered
    // (rsa_memo).
    RSA* const made = RSA_new();
    m_key.reset(EVP_PKEY_new());
    const bool generated = RSA_generate_key_ex(made, rsa_size * 8, exponent.get(), nullptr) == 1 &&
                           EVP_PKEY_assign_RSA(m_key.get(), made) == 1;
    sc_assert(generated);
}

bytes rsa_key::modulus() const {
    return modulus_of(m_key.get());
}

bytes rsa_key::sign_sha1(byte_view message) const {
    const key_context context(EVP_PKEY_CTX_new(m_key.get(), nullptr));
    const auto hash = sha1(message);
    bytes signature(rsa_size);
    std::size_t size = signature.size();
    const bool signed_it = EVP_PKEY_sign_init(context.get()) == 1 &&
                           EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                           EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha1()) == 1 &&
                           EVP_PKEY_sign(context.get(), raw(signature), &size, raw(hash), hash.size()) == 1;
    sc_assert(signed_it && size == rsa_size);
    return signature;
}

bytes rsa_key::decrypt_oaep(byte_view cipher) const {
    const key_context context(EVP_PKEY_CTX_new(m_key.get(), nullptr));
    bytes plain(rsa_size);
    std::size_t size = plain.size();
    if (EVP_PKEY_decrypt_init(context.get()) != 1 || !use_tcpa_oaep(context.get()) ||
        EVP_PKEY_decrypt(context.get(), raw(plain), &size, raw(cipher), cipher.size()) != 1)
        return {};
    plain.resize(size);
    return plain;
}

evp_key public_key(byte_view modulus) {
    if (modulus.size() != rsa_size || modulus[0] == std::byte{0})
        return nullptr;
    const big_number n(BN_bin2bn(raw(modulus), static_cast<int>(modulus.size()), nullptr));
    const param_builder builder(OSSL_PARAM_BLD_new());
    if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_uint(builder.get(), OSSL_PKEY_PARAM_RSA_E, public_exponent) != 1)
        return nullptr;
    const param_list parameters(OSSL_PARAM_BLD_to_param(builder.get()));
    const key_context context(EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nullptr));
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
        return nullptr;
    return evp_key(key);
}

bytes modulus_of(EVP_PKEY* key) {
    if (key == nullptr || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) != rsa_size * 8)
        return {};
    BIGNUM *n = nullptr, *e = nullptr;
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n);
    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e);
    const big_number own_n(n), own_e(e);
    if (n == nullptr || e == nullptr || !BN_is_word(e, public_exponent))
        return {};
    bytes out(rsa_size);
    BN_bn2binpad(n, raw(out), static_cast<int>(out.size()));
    return out;
}

namespace {

bool verify(const EVP_MD* hash, byte_view modulus, byte_view message, byte_view signature) {
    const evp_key key = public_key(modulus);
    if (!key || signature.size() != rsa_size)
        return false;
    const digest_context context(EVP_MD_CTX_new());
    return EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key.get()) == 1 &&
           EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) ==
               1;
}

bytes seal_for(byte_view modulus, byte_view plain, const EVP_MD* hash, byte_view label,
               tpm::entropy_if& entropy) {
    const evp_key key = public_key(modulus);
    if (!key)
        return {};
    const tpm::openssl_entropy_scope seeded(entropy);
    const key_context context(EVP_PKEY_CTX_new(key.get(), nullptr));
    bytes cipher(rsa_size);
    std::size_t size = cipher.size();
    if (EVP_PKEY_encrypt_init(context.get()) != 1 || !use_oaep(context.get(), hash, label) ||
        EVP_PKEY_encrypt(context.get(), raw(cipher), &size, raw(plain), plain.size()) != 1)
        return {};
    return cipher;
}

}  // namespace

bool verify_sha1(byte_view modulus, byte_view message, byte_view signature) {
    return verify(EVP_sha1(), modulus, message, signature);
}

bool verify_sha256(byte_view modulus, byte_view message, byte_view signature) {
    return verify(EVP_sha256(), modulus, message, signature);
}

bytes encrypt_oaep(byte_view modulus, byte_view plain, tpm::entropy_if& entropy) {
    return seal_for(modulus, plain, EVP_sha1(), as_octets("TCPA"), entropy);
}

bytes encrypt_oaep_sha256(byte_view modulus, byte_view plain, std::string_view label,
                          tpm::entropy_if& entropy) {
    bytes with_end(as_octets(label).begin(), as_octets(label).end());
    with_end.push_back(std::byte{0});
    return seal_for(modulus, plain, EVP_sha256(), with_end, entropy);
}

bytes encrypt_cbc(byte_view key, byte_view iv, byte_view plain) {
    return run_cipher(EVP_aes_128_cbc(), true, key, iv, plain);
}

bytes decrypt_cbc(byte_view key, byte_view iv, byte_view cipher) {
    return run_cipher(EVP_aes_128_cbc(), false, key, iv, cipher);
}

bytes encrypt_cfb(byte_view key, byte_view iv, byte_view plain) {
    return run_cipher(EVP_aes_128_cfb128(), true, key, iv, plain);
}

}  // namespace vtwin::models::remote
