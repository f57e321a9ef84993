// TPM packets, read by the oracles' own eyes: nothing here is shared with the codecs that they check.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tpm/ports.h"

namespace vtwin::scenario {

namespace ordinal {
inline constexpr std::uint32_t extend = 0x14, pcr_read = 0x15, quote = 0x16, quote2 = 0x3E, get_random = 0x46,
                               get_test_result = 0x54, get_capability = 0x65, create_ek = 0x78,
                               create_revocable_ek = 0x7F, startup = 0x99, pcr_reset = 0xC8, nv_write = 0xCD,
                               increment_counter = 0xDD, read_counter = 0xDE, get_ticks = 0xF1,
                               sha1_complete_extend = 0xA3;
// TPM 2.0 commands
inline constexpr std::uint32_t pcr_event20 = 0x13C, create_primary20 = 0x131, pcr_reset20 = 0x13D,
                               startup20 = 0x144, quote20 = 0x158, get_random20 = 0x17B, pcr_read20 = 0x17E,
                               pcr_extend20 = 0x182, event_sequence_complete20 = 0x185;
// the manager's: vTPM commands (tag 01C1) and management (tag 01C2)
inline constexpr std::uint32_t save_hash_key = 1, load_hash_key = 2, vtpm_delete = 0x02000205;
}  // namespace ordinal
inline constexpr std::uint16_t tag_plain = 0x00C1, tag_vtpm = 0x01C1, tag_management = 0x01C2;

/// tpmif.h: the states of a ring's page.
namespace tpmif_state {
inline constexpr std::uint8_t idle = 0, submit = 1, finish = 2, cancel = 3;
}
inline constexpr std::size_t record_hash = 20;      ///< SHA-1 of an image, in a vTPM's record
inline constexpr std::size_t digest20_octets = 32;  ///< SHA-256

/// Big-endian number of `size` octets; 0 when they are not all there.
inline std::uint64_t number_at(tpm::byte_view data, std::size_t offset, std::size_t size) {
    if (offset + size > data.size())
        return 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
        value = value << 8 | std::to_integer<std::uint64_t>(data[offset + i]);
    return value;
}
inline std::uint16_t tag_of(tpm::byte_view packet) {
    return static_cast<std::uint16_t>(number_at(packet, 0, 2));
}
inline std::uint32_t size_of(tpm::byte_view packet) {
    return static_cast<std::uint32_t>(number_at(packet, 2, 4));
}
/// Ordinal of a command, result of a response. A packet without one gives all ones.
inline std::uint32_t code_of(tpm::byte_view packet) {
    return packet.size() < 10 ? 0xFFFFFFFF : static_cast<std::uint32_t>(number_at(packet, 6, 4));
}
inline bool succeeded(tpm::byte_view response) {
    return code_of(response) == 0;
}
inline tpm::byte_view body_of(tpm::byte_view packet) {
    return packet.size() < 10 ? tpm::byte_view{} : packet.subspan(10);
}

/// Equal octets have equal digests; the other way round for all practical purposes.
std::uint64_t digest_of(tpm::byte_view data);
inline std::string text_of_octets(tpm::byte_view data) {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

}  // namespace vtwin::scenario
