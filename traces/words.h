// Numbers and words that several traces share.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace vtwin::trace {

inline constexpr std::uint32_t packet_header = 10;  ///< octets before a command's or an answer's own
inline constexpr std::uint16_t tag_rqu = 0x00C1;    ///< TPM_TAG_RQU_COMMAND
/// By xen::vcpu_state_change::state.
inline constexpr std::array<std::string_view, 4> vcpu_words = {"offline", "blocked", "runnable", "running"};

}  // namespace vtwin::trace
