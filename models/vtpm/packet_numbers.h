// Numbers of the packets that a vTPM reads and writes: TPM 1.2's (TPM Main Part 2) and those of its requests
// to the manager (stubdom/vtpmmgr/vtpm_manager.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace vtwin::models {

inline constexpr std::size_t header_size = 10, max_select = 3;  ///< max_select: octets of a PCR selection
inline constexpr std::uint16_t tag_command = 0x00C1, tag_auth1 = 0x00C2, tag_auth2 = 0x00C3,
                               tag_response = 0x00C4, tag_response_auth1 = 0x00C5, vtpm_tag_req = 0x01C1,
                               vtpm_tag_req2 = 0x01C2;
inline constexpr std::uint32_t tpm_success = 0, tpm_authfail = 1, tpm_bad_parameter = 3, tpm_disabled_cmd = 8,
                               tpm_fail = 9, tpm_bad_ordinal = 10;
inline constexpr std::uint32_t vtpm_ord_savehashkey = 1, vtpm_ord_loadhashkey = 2, vtpm_ord_get_quote = 4;

}  // namespace vtwin::models
