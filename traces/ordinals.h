// Names of TPM 1.2 commands, of the vTPM's vendor commands and of the manager's protocol, for people who read
// traces.
#pragma once

#include <cstdint>
#include <string>

namespace vtwin::trace {

/// `tag` decides the vocabulary: 0x01C1 vTPM to manager, 0x01C2 management, anything else TPM 1.2.
/// Unknown ordinals come out as 0x and eight digits. Source: TPM Main Part 2 section 17; Xen stubdom/vtpmmgr.
std::string ordinal_name(std::uint16_t tag, std::uint32_t ordinal);

}  // namespace vtwin::trace
