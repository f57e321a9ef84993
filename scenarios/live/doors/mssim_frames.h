// Requests and answers of the TPM 2.0 reference simulator's two ports, as octets.
#pragma once

#include <cstdint>

#include "tpm/ports.h"

namespace vtwin::scenario::live {

/// Big-endian u32 at the start of every request. Source: TpmTcpProtocol.h of the TPM 2.0 reference
/// implementation.
enum class mssim_code : std::uint32_t {
    power_on = 1,
    power_off = 2,
    presence_on = 3,
    presence_off = 4,
    hash_start = 5,
    hash_data = 6,  ///< u32 size, data
    hash_end = 7,
    send_command = 8,  ///< u8 locality, u32 size, command; answered with u32 size, response
    cancel_on = 9,
    cancel_off = 10,
    nv_on = 11,
    nv_off = 12,
    key_cache_on = 13,
    key_cache_off = 14,
    handshake = 15,           ///< u32 version of the client; answered with u32 version, u32 what there is
    alternative_result = 16,  ///< u32 result
    reset = 17,
    restart = 18,
    session_end = 20,
    stop = 21,
    command_response_sizes = 25,  ///< answered with a table: u32 size, entries
    act_signaled = 26,            ///< u32 handle of a timer; answered with u32 yes or no
    failure_mode = 30,
};

enum class mssim_port : std::uint8_t { command, platform };

inline constexpr std::size_t longest_mssim_command = 4096;
/// What the reference simulator takes at once.
inline constexpr std::size_t longest_mssim_hash_data = 1 << 20;

struct mssim_request {
    mssim_code code = mssim_code::session_end;
    std::uint8_t locality = 0;  ///< of send_command
    std::uint32_t number = 0;   ///< of those that have one
    tpm::bytes data;            ///< of send_command and hash_data
};

/// What the first octets of a request say about all of it.
struct mssim_extent {
    enum class kind : std::uint8_t {
        partial,   ///< `size` octets, more than there are, are needed to know more
        complete,  ///< it is these `size` octets
        unknown,   ///< this port has no such request
        too_long,  ///< its data would be longer than permitted
    };
    kind what = kind::partial;
    std::size_t size = 0;
};
mssim_extent measure(mssim_port port, tpm::byte_view octets);
/// Of octets that measure() found complete.
mssim_request parse_mssim_request(tpm::byte_view octets);

/// What ends every answer.
tpm::bytes mssim_acknowledgement();
/// What the simulator says, as its last words, to a request that it does not know.
tpm::bytes mssim_refusal();
tpm::bytes mssim_response(tpm::byte_view response);
/// Version 1 of the protocol: a platform with physical presence, and no resource manager before the TPM.
tpm::bytes mssim_handshake();
/// An empty table.
tpm::bytes mssim_no_sizes();
tpm::bytes mssim_number(std::uint32_t number);

}  // namespace vtwin::scenario::live
