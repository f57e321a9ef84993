// The RSA key of libtpms' TPM 1.2 self-test, given instead of made.
#pragma once

#include <openssl/types.h>

namespace vtwin::tpm {

/// libtpms 1.2 generates an RSA-2048 key in every self-test (at power-on too), uses it for one encryption and
/// throws it away: some 100 ms of host time that say nothing about the TPM. While an object of this class
/// lives, RSA_generate_key_ex() (rsa_calls.cpp) hands out one constant key of that size. No secret of a TPM
/// is ever made in a scope.
class self_test_key_scope {
  public:
    self_test_key_scope();
    ~self_test_key_scope();
    self_test_key_scope(const self_test_key_scope&) = delete;
    self_test_key_scope& operator=(const self_test_key_scope&) = delete;

    /// True when a key of this size is to be given, not made.
    static bool gives(int bits);
    /// Fills `target` with the constant key for this exponent; 1 on success as OpenSSL has it.
    static int give(RSA* target, const BIGNUM* exponent);
};

}  // namespace vtwin::tpm
