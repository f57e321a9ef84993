// RSA that is computed once: key pairs and private operations remembered over a process and its children.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string_view>

#include "tpm/engine/shared_memo.h"

namespace vtwin::tpm {

/// Nearly all host time of a run is RSA, and runs that differ in one fault do nearly the same operations.
/// Remembered are pure functions only: a key pair of the seed that it is generated from, a deterministic
/// private operation (PKCS#1 v1.5 signature, decryption) of key, parameters and input. Results are the same
/// octets with and without a memo, and no stream of random numbers depends on a hit.
class rsa_memo {
  public:
    /// From now on this process and the children that it forks remember together, in `bytes` of memory;
    /// when that is full they compute. A second call changes nothing.
    static void share(std::size_t bytes);
    /// This process forgets and remembers nothing any more.
    static void stop();

    struct figures {
        std::uint64_t entries = 0, hits = 0, misses = 0;  ///< over all processes that share
    };
    static figures statistics();

    /// The value of a pure function of `parts`, each of any length: remembered or computed. An empty value
    /// means failure and is not remembered.
    static bytes recall(std::string_view function, std::initializer_list<byte_view> parts,
                        const std::function<bytes()>& compute);
};

}  // namespace vtwin::tpm
