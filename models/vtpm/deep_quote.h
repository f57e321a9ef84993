// Deep quote and parent-signed EK: the vendor commands that the vTPM adds to its TPM 1.2 and turns into a
// GET_QUOTE to the manager. Source: stubdom/vtpm-deepquote.patch, vtpm-parent-sign-ek.patch.
#pragma once

#include <cstdint>
#include <optional>

#include "models/behaviours/behaviours.h"
#include "models/ports.h"
#include "models/vtpm/session_tracker.h"
#include "tpm/engine/libtpms_engine.h"

namespace vtwin::models {

inline constexpr std::uint32_t ord_deep_quote = 0x20000016;
inline constexpr std::uint32_t ord_parent_sign_ek = 0x2000007C;

/// inner = SHA-1(00000000 || "DQUT" || externData || PCR_INFO_SHORT), the 20 bytes handed to the manager.
/// `selection` holds the select bytes (0 to 3), `pcrs` the 24 PCR values of the vTPM.
std::array<std::byte, 20> deep_quote_inner(std::span<const std::byte, 20> extern_data, byte_view selection,
                                           std::uint8_t locality,
                                           std::span<const std::array<std::byte, 20>> pcrs);

class deep_quoter {
  public:
    deep_quoter(tpm::libtpms_engine& engine, session_tracker& sessions, tpm_transport_if& manager,
                const behaviour_set& behaviours);

    /// Executes DeepQuote or ParentSignEK; nullopt when the ordinal is neither. `ek_is_fresh`: the EK was
    /// made in this run of the domain (gate of ParentSignEK).
    std::optional<bytes> execute(byte_view command, std::uint8_t locality, bool ek_is_fresh);

  private:
    struct request {
        std::uint32_t ordinal = 0;
        std::array<std::byte, 20> extern_data{};
        bytes vtpm_selection, hardware_selection;  ///< select bytes
        std::uint32_t flags = 0;
        bytes parameters;  ///< everything between header and authorisation block
        auth_block auth;
    };
    struct grant {  ///< an authorised command
        authdata_t key{};
        nonce_t nonce_even{};
        bool continue_session = false;
        bool live = false;  ///< the engine still holds the session
    };
    static std::uint32_t parse(byte_view command, request& out);
    std::uint32_t authorise(const request& request, grant& out);
    std::uint32_t authorise_unowned(const request& request, const tracked_session& session, grant& out);
    std::uint32_t inner_digest(const request& request, std::uint8_t locality,
                               std::array<std::byte, 20>& inner);
    std::uint32_t ask_manager(const request& request, std::span<const std::byte, 20> inner, bytes& body);
    void end_session(std::uint32_t handle);

    tpm::libtpms_engine& m_engine;
    session_tracker& m_sessions;
    tpm_transport_if& m_manager;
    const behaviour_set& m_behaviours;
};

}  // namespace vtwin::models
