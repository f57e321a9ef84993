// The cryptography that software outside a TPM 1.2 needs to talk to it. Primitives are OpenSSL's.
#pragma once

#include <initializer_list>

#include "tpm/codec/tpm12_constants.h"
#include "tpm/ports.h"

namespace vtwin::tpm::tpm12 {

/// SHA-1 over the concatenation of `parts`.
digest sha1(std::initializer_list<byte_view> parts);
/// HMAC-SHA-1 over the concatenation of `parts`.
digest hmac_sha1(byte_view key, std::initializer_list<byte_view> parts);

/// RSAES-OAEP with SHA-1, MGF1-SHA-1 and label "TCPA" (TPM Main Part 1, section 31.1.1), public exponent
/// 65537. The seed is drawn from `entropy`. Empty when `modulus` is no usable RSA modulus or `data` is too
/// long for it.
bytes oaep_encrypt(byte_view modulus, byte_view data, entropy_if& entropy);

}  // namespace vtwin::tpm::tpm12
