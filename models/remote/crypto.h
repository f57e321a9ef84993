// Cryptography of the remote parties: OpenSSL behind a few functions with the TPM 1.2 parameter sets.
#pragma once

#include <openssl/evp.h>
#include <memory>
#include <optional>

#include "models/remote/octets.h"

namespace vtwin::models::remote {

inline constexpr std::size_t rsa_size = 256;  ///< octets of an RSA-2048 modulus or signature
inline constexpr std::size_t aes_size = 16;   ///< octets of an AES-128 key or block

bytes sha1(byte_view data);
bytes sha256(byte_view data);
bytes hmac_sha256(byte_view key, byte_view data);

/// The hash of a PCR bank.
enum class pcr_hash : std::uint8_t { sha1, sha256 };
bytes digest_of(pcr_hash hash, byte_view data);
std::size_t size_of(pcr_hash hash);
/// What a PCR of that bank becomes.
bytes extend(pcr_hash hash, byte_view old_value, byte_view digest);

/// Deleter for an OpenSSL object: unique_ptr<X509, freed_by<X509_free>>.
template <auto Free>
struct freed_by {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using evp_key = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;

/// An RSA-2048 key pair with e = 65537. The same entropy gives the same key.
class rsa_key {
  public:
    explicit rsa_key(tpm::entropy_if& entropy);
    bytes modulus() const;                     ///< 256 octets
    bytes sign_sha1(byte_view message) const;  ///< RSASSA-PKCS1-v1_5 over SHA-1(message)
    bytes decrypt_oaep(
        byte_view cipher) const;  ///< RSAES-OAEP, SHA-1, label "TCPA"; empty when it does not open
    EVP_PKEY* get() const { return m_key.get(); }

  private:
    evp_key m_key;
};

/// The public key with e = 65537; null when the modulus is no 2048-bit number.
evp_key public_key(byte_view modulus);
/// Modulus of an RSA-2048 key with e = 65537; empty for any other key.
bytes modulus_of(EVP_PKEY* key);

/// RSASSA-PKCS1-v1_5 with SHA-1 and e = 65537.
bool verify_sha1(byte_view modulus, byte_view message, byte_view signature);
/// RSASSA-PKCS1-v1_5 with SHA-256 and e = 65537.
bool verify_sha256(byte_view modulus, byte_view message, byte_view signature);
/// RSAES-OAEP with SHA-256, MGF1-SHA-256 and a label with its final NUL (TPM 2.0 Part 1, B.4); empty on
/// failure.
bytes encrypt_oaep_sha256(byte_view modulus, byte_view plain, std::string_view label,
                          tpm::entropy_if& entropy);
/// RSAES-OAEP with SHA-1, MGF1-SHA-1 and the label "TCPA" (TPM_ES_RSAESOAEP_SHA1_MGF1); empty on failure.
bytes encrypt_oaep(byte_view modulus, byte_view plain, tpm::entropy_if& entropy);
/// AES-128-CBC with PKCS#5 padding (TPM_ES_SYM_CBC_PKCS5PAD).
bytes encrypt_cbc(byte_view key, byte_view iv, byte_view plain);
bytes decrypt_cbc(byte_view key, byte_view iv, byte_view cipher);  ///< empty when the padding is wrong
bytes encrypt_cfb(byte_view key, byte_view iv, byte_view plain);   ///< AES-128-CFB

}  // namespace vtwin::models::remote
