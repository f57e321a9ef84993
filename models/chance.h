// Chance: one seed per run; each consumer draws from its own stream, derived from seed and name.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tpm/ports.h"

namespace vtwin::models {

/// Seeded stream of random bytes and integers: ChaCha20 keyed with SHA-256(seed || name).
/// Adding a consumer shifts no other one. Distributions are integer-only, equal on every platform.
class chance_stream final : public tpm::entropy_if {
  public:
    chance_stream(std::uint64_t seed, std::string_view consumer);
    ~chance_stream() override;
    chance_stream(chance_stream&&) noexcept;
    chance_stream& operator=(chance_stream&&) noexcept;

    void fill(std::span<std::byte> out) override;
    std::uint64_t next_u64();
    /// Uniform in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound);

  private:
    struct state;
    std::unique_ptr<state> m_state;
};

}  // namespace vtwin::models
