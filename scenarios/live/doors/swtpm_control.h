// Requests and answers of swtpm's control channel (swtpm 0.7, tpm_ioctl.h), as octets. Nothing here knows
// sockets. All numbers are big-endian; a request is a u32 command and its parameters, an answer begins with a
// u32 TPM result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tpm/ports.h"

namespace vtwin::scenario::live::swtpm {

enum class command : std::uint32_t {
    get_capability = 0x01,
    init = 0x02,
    shutdown = 0x03,
    get_established = 0x04,
    set_locality = 0x05,
    hash_start = 0x06,
    hash_data = 0x07,
    hash_end = 0x08,
    cancel = 0x09,
    store_volatile = 0x0A,
    reset_established = 0x0B,
    get_stateblob = 0x0C,
    set_stateblob = 0x0D,
    stop = 0x0E,
    get_config = 0x0F,
    set_datafd = 0x10,
    set_buffersize = 0x11,
    get_info = 0x12,
};

/// TPM results that swtpm itself gives on this channel, for both families.
namespace result {
inline constexpr std::uint32_t success = 0, bad_parameter = 0x03, fail = 0x09, bad_ordinal = 0x0A,
                               key_not_found = 0x0D, io_error = 0x1F, bad_version = 0x2E, bad_locality = 0x3D,
                               no_such_state = 0x800;
}

/// Localities 0 to 4.
inline constexpr std::uint8_t highest_locality = 4;
/// INIT's flag: what STORE_VOLATILE kept is resumed this last time.
inline constexpr std::uint32_t delete_volatile = 1;
/// The most octets that one HASH_DATA or SET_STATEBLOB may announce.
inline constexpr std::uint32_t longest_data = 1u << 20;

struct request {
    command what = command::get_capability;
    std::uint32_t flags = 0;    ///< of INIT and the state blobs
    std::uint8_t locality = 0;  ///< SET_LOCALITY, RESET_TPMESTABLISHED
    std::uint32_t type = 0;     ///< of a state blob
    std::uint32_t offset = 0;   ///< GET_STATEBLOB, GET_INFO
    std::uint32_t size = 0;     ///< SET_BUFFERSIZE: wanted, 0 asks
    std::uint64_t info = 0;     ///< GET_INFO: which
    tpm::bytes data;            ///< HASH_DATA, SET_STATEBLOB
};

/// What came since the last answer.
struct reading {
    enum class kind : std::uint8_t {
        complete,    ///< `asked`; octets behind it are padding
        incomplete,  ///< more has to come
        refused,     ///< answer with `code`, then go on
        lost,        ///< the same, and nothing that comes after it can be understood
    };
    kind what = kind::incomplete;
    std::uint32_t code = result::success;
    request asked;
};
/// As swtpm: one read of the socket is one request, longer ones go on in the next reads. Some of its requests
/// may be padded (QEMU sends unions), some are refused then.
reading read_request(tpm::byte_view received);

tpm::bytes print_result(std::uint32_t code);
/// GET_CAPABILITY: all that swtpm 0.7 offers with this family.
tpm::bytes print_capabilities(tpm::family version);
tpm::bytes print_established(bool bit);
/// SET_BUFFERSIZE. Only one size is possible: that of the machine's TPM.
tpm::bytes print_buffer_size(std::uint32_t size);
tpm::bytes print_config();
/// GET_STATEBLOB: what `blob` holds from `offset` on. An empty blob: the TPM has no such state.
tpm::bytes print_stateblob(tpm::byte_view blob, std::uint32_t offset);
/// GET_INFO: the JSON text from `offset` on, with its final zero.
tpm::bytes print_info(const std::string& text, std::uint32_t offset);

}  // namespace vtwin::scenario::live::swtpm
