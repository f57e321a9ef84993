// Seeded randomness for OpenSSL: who draws is decided by a scope, never by the process.
#pragma once

#include "tpm/ports.h"

namespace vtwin::tpm {

/// While an object of this class lives, every random byte that OpenSSL hands out on this thread's call chain
/// comes from `entropy` (RAND_bytes, key generation, OAEP seeds, blinding). Scopes nest. Outside any scope
/// OpenSSL's own generator answers. A scope must not span a wait(): another process of the simulation would
/// draw from it.
class openssl_entropy_scope {
  public:
    explicit openssl_entropy_scope(entropy_if& entropy);
    ~openssl_entropy_scope();
    openssl_entropy_scope(const openssl_entropy_scope&) = delete;
    openssl_entropy_scope& operator=(const openssl_entropy_scope&) = delete;

    /// The entropy in force; nullptr outside any scope.
    static entropy_if* current();

  private:
    entropy_if* m_outer;
};

}  // namespace vtwin::tpm
