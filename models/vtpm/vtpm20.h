// What the vTPM's program does otherwise when its TPM is a TPM 2.0: making and starting it, its costs, its
// own error codes, and the deep quote. Xen's vTPM is a TPM 1.2; this one is ours, behind the same ring, with
// the same manager protocol.
#pragma once

#include <cstdint>
#include <optional>

#include "models/costs.h"
#include "models/ports.h"
#include "tpm/engine/libtpms_engine.h"

namespace vtwin::models {

/// What the manager's hardware quote covers of a guest's TPM 2.0 quote, 20 bytes:
///     quoted = SHA-1(TPMS_ATTEST || TPMT_SIGNATURE)     made by this vTPM for this very command
///     extern = SHA-1(nonce || quoted)                   nonce: the guest's qualifyingData
///     inner  = SHA-1(00000000 || "DQT2" || extern || locality)
/// The steps are those of the TPM 1.2 deep quote. The marker differs, so that neither kind can be shown as
/// the other. As attest and signature are in it, the hardware vouches that this one quote, with its key, PCRs
/// and nonce, was made by a vTPM of this machine: a quote from a TPM elsewhere cannot be slipped in.
std::array<std::byte, 20> deep_quote20_inner(byte_view nonce, byte_view attest, byte_view signature,
                                             std::uint8_t locality);

class vtpm20 {
  public:
    /// What its engine is to be made with: the longest packet of a tpmif page, so that the TPM tells its
    /// guest.
    static constexpr std::uint32_t buffer_size = 4088;

    vtpm20(tpm::libtpms_engine& engine, tpm_transport_if& manager, tpm::entropy_if& random,
           stubdom_services_if& services, const software_costs& costs);

    /// A TPM as its maker leaves it, with banks SHA-1 and SHA-256, powered and started. False: it does not
    /// start.
    bool make_fresh();
    /// After power-on: Startup(CLEAR), SelfTest; then the platform's password becomes a random one, so that
    /// no guest can act as the platform.
    bool start();
    /// TPM2_Shutdown(CLEAR): before the image is stored for the last time.
    void shut_down();

    /// Executes a command, or DeepQuote (tpm20::cc::deep_quote). The AK's authorisation is the engine's to
    /// judge: it sees a TPM2_Quote with the guest's session area. Only password sessions can be in it, since
    /// the code is part of what an HMAC and a policy cover: another is refused as TPM_RC_HANDLE of its
    /// number.
    bytes execute(byte_view command, std::uint8_t locality);
    /// What a command costs beyond vtpm20_command.
    sc_core::sc_time public_key_cost(std::uint32_t code) const;
    /// A response of the program itself, for its TPM 1.2 code; with tag 0x8001.
    static bytes error_reply(std::uint32_t code12);

  private:
    struct request {
        bytes quote;  ///< as TPM2_Quote
        bytes nonce;
        bytes hardware_selection;  ///< select bytes
        std::uint32_t flags = 0;
    };
    /// Nothing: `code` says why.
    static std::optional<request> parse(byte_view command, std::uint32_t& code);
    bytes deep_quote(byte_view command, std::uint8_t locality);
    std::optional<bytes> ask_manager(const request& request, std::span<const std::byte, 20> inner,
                                     std::uint32_t& status);
    std::uint32_t send(byte_view command);

    tpm::libtpms_engine& m_engine;
    tpm_transport_if& m_manager;
    tpm::entropy_if& m_random;
    stubdom_services_if& m_services;
    const software_costs& m_costs;
};

}  // namespace vtwin::models
