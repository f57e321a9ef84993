// Which TPM 2.0 packets a network analyser can read to their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace vtwin::trace {

/// What Wireshark keeps of a command: with it, it reads the answer.
struct dissected_command {
    std::uint32_t code = 0;
    unsigned sessions = 0;
};

/// Nothing when Wireshark's dissector for TPM 2.0 would call the command malformed: its size field, handles
/// or session area are wrong, or one of its known mistakes applies. It takes TPM2_NV_Read for a command with
/// one handle, TPM2_SetPrimaryPolicy for one with the parameters of TPM2_CreatePrimary, and expects a mode
/// behind each symmetric algorithm of TPM2_StartAuthSession, which XOR has not.
/// Source: Wireshark 4.0 epan/dissectors/packet-tpm20.c; TPM 2.0 Part 3 for the handles.
std::optional<dissected_command> dissect_command(std::span<const std::byte> packet);

/// The same for the answer to that command. One that says an error is read no further than its header.
bool dissects_answer(const dissected_command& command, std::span<const std::byte> packet);
/// TPM_RC_SUCCESS, or too short to say.
bool says_success(std::span<const std::byte> packet);

}  // namespace vtwin::trace
