#include "models/attestation/activation.h"

#include <openssl/evp.h>

#include <memory>

#include "tpm/codec/wire.h"

namespace vtwin::models {
namespace {

constexpr std::size_t key_size = 16, iv_size = 16;

struct cipher_free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
const unsigned char* raw(byte_view data) {
    return reinterpret_cast<const unsigned char*>(data.data());
}

}  // namespace

std::optional<bytes> open_certificate(byte_view symmetric_key, byte_view sym_blob) {
    tpm::wire_reader in(symmetric_key);
    in.u32();
    in.u16();
    const bytes key = in.sized16();
    return in.ok() ? open_certificate_with(key, sym_blob) : std::nullopt;
}

std::optional<bytes> open_certificate_with(byte_view key, byte_view sym_blob) {
    if (key.size() != key_size || sym_blob.size() <= iv_size)
        return std::nullopt;
    const byte_view text = sym_blob.subspan(iv_size);
    bytes out(text.size() + iv_size);
    auto* target = reinterpret_cast<unsigned char*>(out.data());
    int first = 0, last = 0;
    const std::unique_ptr<EVP_CIPHER_CTX, cipher_free> context(EVP_CIPHER_CTX_new());
    if (!context ||
        EVP_DecryptInit_ex(context.get(), EVP_aes_128_cbc(), nullptr, raw(key),
                           raw(sym_blob.first(iv_size))) != 1 ||
        EVP_DecryptUpdate(context.get(), target, &first, raw(text), static_cast<int>(text.size())) != 1 ||
        EVP_DecryptFinal_ex(context.get(), target + first, &last) != 1)
        return std::nullopt;
    out.resize(static_cast<std::size_t>(first + last));
    return out;
}

}  // namespace vtwin::models
