// The PCRs of a TPM 1.2 as its commands say they must be: folded by hand, with OpenSSL's SHA-1.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "scenarios/oracles/events.h"

namespace vtwin::scenario {

class shadow_pcrs {
  public:
    static constexpr std::size_t count = 24;
    using value = std::array<std::byte, 20>;

    /// Follows one successful command. Gives the sentence about a difference between the TPM and this
    /// bookkeeping, after which the TPM's value is taken over.
    std::string follow(const seen::execution& what);
    /// Nothing is known any more, e.g. a stored state was loaded.
    void forget() { m_pcrs.fill(std::nullopt); }
    const std::optional<value>& operator[](std::size_t pcr) const { return m_pcrs[pcr]; }

  private:
    std::string extended(tpm::byte_view command, tpm::byte_view response);
    std::string read(tpm::byte_view command, tpm::byte_view response);
    void started();
    void reset(tpm::byte_view command);
    std::string compare(std::size_t pcr, const value& expected, tpm::byte_view seen, std::string_view verb);

    std::array<std::optional<value>, count> m_pcrs{};
};

}  // namespace vtwin::scenario
