// Numbers of the manager's command protocol.
// Source: stubdom/vtpmmgr/vtpm_manager.h, tcg.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vtwin::models::manager {

inline constexpr std::size_t packet_header = 10;    ///< tag, size, ordinal or status
inline constexpr std::size_t work_buffer = 8192;    ///< the manager's command and response buffers
inline constexpr std::size_t page_capacity = 4088;  ///< what a tpmif page carries
inline constexpr std::size_t label_capacity = 127;  ///< peer label with its terminator

namespace tag {
enum : std::uint16_t { vtpm_req = 0x01C1, vtpm_req2 = 0x01C2, vtpm_rsp = 0x01C4, vtpm_rsp2 = 0x01C5 };
enum : std::uint16_t { tpm_req = 0x00C1, tpm_auth1 = 0x00C2, tpm_auth2 = 0x00C3, tpm_rsp = 0x00C4 };
}  // namespace tag

/// Commands of a vTPM (tag 0x01C1).
namespace vtpm_ordinal {
enum : std::uint32_t { savehashkey = 1, loadhashkey = 2, get_boot_hash = 3, get_quote = 4 };
}

/// Management commands (tag 0x01C2) that exist.
namespace mgmt_ordinal {
enum : std::uint32_t {
    group_list = 0x02000101,
    group_new,
    group_del,
    group_activate,
    group_register,
    group_update,
    group_show,
    vtpm_list = 0x02000201,
    vtpm_new = 0x02000204,
    vtpm_del = 0x02000205,
};
}

namespace status {
enum : std::uint32_t {
    success = 0,
    authfail = 1,
    bad_index = 2,
    bad_parameter = 3,
    invalid_request = 5,
    disabled = 7,
    disabled_cmd = 8,
    fail = 9,
    bad_ordinal = 10,
    size = 23,
    badtag = 30,
    ioerror = 31,
    /// Not upstream's: a save was refused because nothing can be written yet (hardened).
    not_provisioned = 0x401,
};
}  // namespace status

}  // namespace vtwin::models::manager
