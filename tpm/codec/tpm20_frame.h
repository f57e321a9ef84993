// What every TPM 2.0 command has in common: its header, its session area, and the numbers of the keys that
// this project makes (TPM 2.0 Library Part 1, 18 and Part 2).
#pragma once

#include "tpm/codec/tpm20.h"

namespace vtwin::tpm::tpm20 {

inline constexpr std::size_t header_size = 10;
inline constexpr std::uint16_t rsa_bits = 2048, aes_bits = 128;

/// TPMA_OBJECT (Part 2, 8.3)
namespace attribute {
enum : std::uint32_t {
    fixed_tpm = 0x2,
    fixed_parent = 0x10,
    sensitive_data_origin = 0x20,
    user_with_auth = 0x40,
    admin_with_policy = 0x80,
    no_da = 0x400,
    restricted = 0x10000,
    decrypt = 0x20000,
    sign = 0x40000,
};
}  // namespace attribute

/// A command or a response: header, then `rest`.
bytes framed(std::uint16_t tag, std::uint32_t code, byte_view rest);
/// A command without sessions.
bytes plain(std::uint32_t code, const wire_writer& handles_and_parameters);
/// One TPMS_AUTH_COMMAND with a password. It is appended to `area`, which is returned.
wire_writer& password_session(wire_writer& area, byte_view password);
/// A command with these sessions.
bytes authorised(std::uint32_t code, byte_view handles, byte_view sessions, const wire_writer& parameters);
/// A command with one password session.
bytes with_password(std::uint32_t code, byte_view handles, byte_view password, const wire_writer& parameters);
/// A handle area of one handle.
bytes one_handle(std::uint32_t handle);
/// Parameters of TPM2_CreatePrimary and TPM2_Create: a key with this password and public area, no data, no
/// outsideInfo, no creation PCRs.
wire_writer creation(byte_view password, byte_view public_area);

}  // namespace vtwin::tpm::tpm20
