// OpenSSL's costly RSA functions, defined in this program in front of the library's own.
#pragma once

namespace vtwin::tpm {

/// RSA_generate_key_ex(), EVP_PKEY_sign() and EVP_PKEY_decrypt() as libtpms and this program call them.
/// Inside an openssl_entropy_scope a key pair is a function of 32 octets drawn from it, whatever its making
/// takes; a deterministic private operation draws nothing from it (blinding has numbers of its own). Both go
/// through rsa_memo. Everything else reaches OpenSSL untouched. Calling this makes sure that the linker takes
/// them.
void use_own_rsa_calls();

}  // namespace vtwin::tpm
