// The PCRs of a TPM as its commands say they must be: folded by hand, with OpenSSL's hashes. Of a TPM 2.0 the
// SHA-256 bank is followed.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "scenarios/oracles/events.h"

namespace vtwin::scenario {

class shadow_pcrs {
  public:
    static constexpr std::size_t count = 24;
    using value = tpm::bytes;  ///< 20 octets, TPM 2.0: 32

    /// Follows one successful command. Gives the sentence about a difference between the TPM and this
    /// bookkeeping, after which the TPM's value is taken over.
    std::string follow(const seen::execution& what);
    /// The nonce that a successful TPM_Quote, TPM_Quote2 or TPM2_Quote signed; empty for any other command.
    static tpm::byte_view quoted_nonce(const seen::execution& what);
    /// Nothing is known any more, e.g. a stored state was loaded.
    void forget();
    /// A hash sequence has ended: it reset PCR 17 to 22 and extended the first of them; before TPM2_Startup
    /// it was PCR 0.
    void launched();
    const std::optional<value>& operator[](std::size_t pcr) const { return m_pcrs[pcr]; }

  private:
    std::string extended(tpm::byte_view command, tpm::byte_view response);
    std::string read(tpm::byte_view command, tpm::byte_view response);
    std::string follow20(const seen::execution& what);
    void extended20(tpm::byte_view command);
    std::string read20(tpm::byte_view response);
    void started(std::size_t octets);
    void reset(tpm::byte_view command);
    std::string compare(std::size_t pcr, const value& expected, tpm::byte_view seen, std::string_view verb);

    std::array<std::optional<value>, count> m_pcrs{};
    bool m_launched = false;  ///< since the power came, before a TPM2_Startup
};

}  // namespace vtwin::scenario
