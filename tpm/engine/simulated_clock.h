// The clock that a library sees while it plays a TPM: simulated time instead of the host's.
#pragma once

#include <cstdint>
#include <functional>

namespace vtwin::tpm {

/// While an object of this class lives, clock_gettime(), gettimeofday() and clock() answer `now_ns` plus a
/// fixed epoch, whatever the clock id. These functions are defined by this program and so reach libtpms too;
/// outside a scope they fall through to the C library. Scopes do not nest.
class simulated_clock_scope {
  public:
    /// libtpms takes the time 0 for "not set", so simulated time 0 is this instant (seconds).
    static constexpr std::uint64_t epoch_seconds = 1'000'000'000;

    explicit simulated_clock_scope(const std::function<std::uint64_t()>& now_ns);
    ~simulated_clock_scope();
    simulated_clock_scope(const simulated_clock_scope&) = delete;
    simulated_clock_scope& operator=(const simulated_clock_scope&) = delete;
};

}  // namespace vtwin::tpm
