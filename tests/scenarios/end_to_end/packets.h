// What clients say to doors and what comes back, as hexadecimal texts: ...12 are of a TPM 1.2, ...20 of a
// TPM 2.0.
#pragma once

#include <array>
#include <string>

#include "models/hex.h"

namespace vtwin::scenario::test {

/// TPM_Startup(ST_CLEAR), and TPM2_Startup(CLEAR).
inline const std::string startup12 = "00c10000000c000000990001", startup20 = "80010000000c000001440000";
/// Four octets of TPM_GetRandom, eight of TPM2_GetRandom, and what an answer begins with.
inline const std::string get_random12 = "00c10000000e0000004600000004",
                         random12_head = "00c40000001200000000", get_random20 = "80010000000c0000017b0008",
                         random20_head = "80010000001400000000";
/// TPM_Extend of PCR 16.
inline const std::string extend12 =
    "00c1000000220000001400000010"
    "00112233445566778899aabbccddeeff00112233";
/// TPM2_PCR_Reset of PCR 20, which localities 2 and 4 may do.
inline const std::string reset20 = "80020000001b0000013d0000001400000009400000090000000000";

/// Answers that are a code only.
inline const std::string success12 = "00c40000000a00000000", success20 = "80010000000a00000000",
                         failed12 = "00c40000000a00000009", failed20 = "80010000000a00000101",
                         not_started12 = "00c40000000a00000026", not_started20 = "80010000000a00000100";

/// The code 0 of every protocol.
inline const std::string done = "00000000";
/// Requests at swtpm's control channel: STOP, and INIT without flags.
inline const std::string swtpm_stop = "0000000e", swtpm_init = "0000000200000000";

/// A command as the reference simulator's clients send it: SEND_COMMAND, locality, length.
inline std::string behind_header(const std::string& hex, const std::string& locality = "00") {
    const std::array size = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte(hex.size() / 2)};
    return "00000008" + locality + models::to_hex(size) + hex;
}

}  // namespace vtwin::scenario::test
