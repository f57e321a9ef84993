// OpenSSL's costly RSA functions, defined in this program in front of the library's own.
#pragma once

#include <cstdint>

namespace vtwin::tpm {

/// RSA_generate_key_ex(), RSA_sign(), RSA_private_encrypt(), EVP_PKEY_sign() and EVP_PKEY_decrypt() as
/// libtpms and this program call them. Inside an openssl_entropy_scope a key pair is a function of 32 octets
/// drawn from it, whatever its making takes; a deterministic private operation draws nothing from it
/// (blinding has numbers of its own). Both go through rsa_memo. Everything else reaches OpenSSL untouched.
/// Calling this makes sure that the linker takes them.
void use_own_rsa_calls();

/// Where RSA keys come from.
enum class rsa_keys : std::uint8_t {
    drawn,   ///< made of random numbers, each its own
    pooled,  ///< two of 256 primes of that size, which random numbers choose: 32,640 keys of each size, each
             ///< quickly made. For campaigns of many runs with new keys; as in the key cache of TPM
             ///< simulators, nobody who knows the pool is kept out.
};

/// While an object of this class lives, RSA_generate_key_ex() inside an openssl_entropy_scope goes by `keys`.
class rsa_keys_scope {
  public:
    explicit rsa_keys_scope(rsa_keys keys);
    ~rsa_keys_scope();
    rsa_keys_scope(const rsa_keys_scope&) = delete;
    rsa_keys_scope& operator=(const rsa_keys_scope&) = delete;

  private:
    rsa_keys m_outer;
};

}  // namespace vtwin::tpm
