// Names of TPM commands, for profiles, tables and logs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vtwin::tpm {

/// "TPM_Extend" for 0x14, "TPM2_PCR_Extend" for 0x182; "0x" and eight digits for a code without a name here.
/// Source: TPM Main Part 2 section 17 (ordinals), TPM 2.0 Part 2 section 6.5.2 (command codes).
std::string command_name(std::uint32_t ordinal);
/// The code of a name, or of "0x" and up to eight hexadecimal digits; nullopt when unknown.
std::optional<std::uint32_t> find_command(std::string_view name);

}  // namespace vtwin::tpm
