// Words for the numbers of TPM 1.2, and how long a driver waits for each command.
#pragma once

#include <cstdint>
#include <string_view>

namespace vtwin::tpm::tpm12 {

/// "Extend" for 20; "unknown ordinal" for a number that TPM Main Part 2 rev 116, the PC Client specification
/// and Xen's vTPM do not know.
std::string_view ordinal_name(std::uint32_t ordinal);
/// "TPM_AUTHFAIL" for 1; "unknown result" otherwise.
std::string_view result_name(std::uint32_t code);

/// The class by which Linux chooses a command's timeout (drivers/char/tpm, TPM 1.2 table); `undefined` for
/// every ordinal outside the table, which gets 120 s.
enum class duration_class : std::uint8_t { brief, medium, lengthy, undefined };
duration_class duration_of(std::uint32_t ordinal);

}  // namespace vtwin::tpm::tpm12
