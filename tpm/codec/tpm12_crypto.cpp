#include "tpm/codec/tpm12_crypto.h"

#include <memory>
#include <systemc>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "tpm/codec/wire.h"
#include "tpm/engine/openssl_entropy.h"

namespace vtwin::tpm::tpm12 {

namespace {

template <auto Free>
struct deleter {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using pkey_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using pkey_ctx_ptr = std::unique_ptr<EVP_PKEY_CTX, deleter<EVP_PKEY_CTX_free>>;
using bignum_ptr = std::unique_ptr<BIGNUM, deleter<BN_free>>;
using param_bld_ptr = std::unique_ptr<OSSL_PARAM_BLD, deleter<OSSL_PARAM_BLD_free>>;
using param_ptr = std::unique_ptr<OSSL_PARAM, deleter<OSSL_PARAM_free>>;

constexpr unsigned long public_exponent = 65537;

const unsigned char* raw(byte_view view) {
    return reinterpret_cast<const unsigned char*>(view.data());
}

pkey_ptr rsa_public_key(byte_view modulus) {
    const bignum_ptr n(BN_bin2bn(raw(modulus), static_cast<int>(modulus.size()), nullptr));
    const param_bld_ptr builder(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_ulong(builder.get(), OSSL_PKEY_PARAM_RSA_E, public_exponent);
    const param_ptr params(OSSL_PARAM_BLD_to_param(builder.get()));
    const pkey_ctx_ptr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
        return nullptr;
    return pkey_ptr(key);
}

bool choose_tcpa_oaep(EVP_PKEY_CTX* context) {
    void* label = OPENSSL_memdup("TCPA", 4);  // the context takes ownership
    if (EVP_PKEY_encrypt_init(context) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha1()) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha1()) == 1 &&
        EVP_PKEY_CTX_set0_rsa_oaep_label(context, label, 4) == 1)
        return true;
    OPENSSL_free(label);
    return false;
}

}  // namespace

digest sha1(std::initializer_list<byte_view> parts) {
    SHA_CTX context;
    SHA1_Init(&context);
    for (const auto& part : parts)
        SHA1_Update(&context, part.data(), part.size());
    digest result;
    SHA1_Final(reinterpret_cast<unsigned char*>(result.data()), &context);
    return result;
}

digest hmac_sha1(byte_view key, std::initializer_list<byte_view> parts) {
    const bytes message = concat(parts);
    digest result;
    unsigned int size = 0;
    const auto* done = HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), raw(message),
                            message.size(), reinterpret_cast<unsigned char*>(result.data()), &size);
    sc_assert(done != nullptr && size == result.size());
    return result;
}

bytes oaep_encrypt(byte_view modulus, byte_view data, entropy_if& entropy) {
    const openssl_entropy_scope scope(entropy);
    const pkey_ptr key = rsa_public_key(modulus);
    if (!key)
        return {};
    const pkey_ctx_ptr context(EVP_PKEY_CTX_new(key.get(), nullptr));
    if (!context || !choose_tcpa_oaep(context.get()))
        return {};
    std::size_t size = 0;
    if (EVP_PKEY_encrypt(context.get(), nullptr, &size, raw(data), data.size()) != 1)
        return {};
    bytes result(size);
    auto* out = reinterpret_cast<unsigned char*>(result.data());
    if (EVP_PKEY_encrypt(context.get(), out, &size, raw(data), data.size()) != 1)
        return {};
    result.resize(size);
    return result;
}

}  // namespace vtwin::tpm::tpm12
