// Numbers of the TPM 1.2 wire (TPM Main Part 2), as far as the project's software speaks them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vtwin::tpm::tpm12 {

using digest = std::array<std::byte, 20>;
using nonce = std::array<std::byte, 20>;
using secret = std::array<std::byte, 20>;

inline constexpr std::size_t header_size = 10, digest_size = 20;
inline constexpr std::size_t auth_request_size = 45;   ///< handle, nonceOdd, continue, HMAC
inline constexpr std::size_t auth_response_size = 41;  ///< nonceEven, continue, HMAC
inline constexpr std::size_t pcr_count = 24;

inline constexpr std::uint16_t tag_rqu_command = 0x00C1;  ///< one and two sessions: +1, +2; response: +3
inline constexpr std::uint16_t tag_rsp_command = 0x00C4;
inline constexpr std::uint16_t tag_pcr_info_long = 0x0006;
inline constexpr std::uint16_t tag_stored_data12 = 0x0016;
inline constexpr std::uint16_t tag_key12 = 0x0028;
inline constexpr std::uint16_t tag_quote_info2 = 0x0036;

namespace ord {
enum : std::uint32_t {
    oiap = 10,
    osap = 11,
    take_ownership = 13,
    extend = 20,
    pcr_read = 21,
    quote = 22,
    seal = 23,
    unseal = 24,
    create_wrap_key = 31,
    load_key = 32,
    quote2 = 62,
    load_key2 = 65,
    get_random = 70,
    self_test_full = 80,
    continue_self_test = 83,
    owner_clear = 91,
    get_capability = 101,
    physical_enable = 111,
    physical_set_deactivated = 114,
    create_endorsement_key_pair = 120,
    make_identity = 121,
    activate_identity = 122,
    read_pubek = 124,
    disable_pubek_read = 126,
    owner_read_internal_pub = 129,
    terminate_handle = 150,
    save_state = 152,
    startup = 153,
    flush_specific = 186,
    pcr_reset = 200,
    deep_quote = 0x20000016,      ///< Xen's vTPM only
    parent_sign_ek = 0x2000007C,  ///< Xen's vTPM only
    tsc_physical_presence = 0x4000000A,
};
}  // namespace ord

namespace rc {
enum : std::uint32_t {
    success = 0,
    authfail = 1,
    badindex = 2,
    bad_parameter = 3,
    deactivated = 6,
    disabled = 7,
    disabled_cmd = 8,
    fail = 9,
    bad_ordinal = 10,
    invalid_keyhandle = 12,
    invalid_pcr_info = 16,
    owner_set = 20,
    size = 23,
    wrongpcrval = 24,
    bad_param_size = 25,
    failedselftest = 28,
    auth2fail = 29,
    badtag = 30,
    ioerror = 31,
    invalid_authhandle = 34,
    no_endorsement = 35,
    invalid_postinit = 38,
    bad_presence = 45,
    notresetable = 50,
    notlocal = 51,
    invalid_resource = 53,
    retry = 0x800,
};
}  // namespace rc

namespace handle {
enum : std::uint32_t { srk = 0x40000000, owner = 0x40000001, ek = 0x40000006 };
}

/// TPM_ENTITY_TYPE
namespace entity {
enum : std::uint16_t { keyhandle = 1, owner = 2, srk = 4 };
}

/// TPM_RESOURCE_TYPE
namespace resource {
enum : std::uint32_t {
    key = 1,
    auth = 2,
    hash = 3,
    trans = 4,
    context = 5,
    counter = 6,
    delegate = 7,
    daa_tpm = 8
};
}

/// TPM_CAPABILITY_AREA and the sub-capabilities in use
namespace cap {
enum : std::uint32_t { flag = 4, property = 5, handle = 0x14, version_val = 0x1A };
enum : std::uint32_t { flag_permanent = 0x108, flag_volatile = 0x109 };
enum : std::uint32_t {
    prop_owner = 0x111,
    prop_tis_timeout = 0x115,
    prop_duration = 0x120,
    prop_input_buffer = 0x124
};
}  // namespace cap

/// TPM_STARTUP_TYPE
namespace startup_type {
enum : std::uint16_t { clear = 1, state = 2, deactivated = 3 };
}

/// TPM_PHYSICAL_PRESENCE
namespace presence {
enum : std::uint16_t { lock = 0x0004, present = 0x0008, not_present = 0x0010, command_enable = 0x0020 };
}

/// TPM_KEY_USAGE, TPM_ENC_SCHEME, TPM_SIG_SCHEME, TPM_ALGORITHM_ID
namespace key_usage {
enum : std::uint16_t {
    signing = 0x0010,
    storage = 0x0011,
    identity = 0x0012,
    bind = 0x0014,
    legacy = 0x0015
};
}
namespace enc {
enum : std::uint16_t { none = 1, rsaes_oaep_sha1_mgf1 = 3 };
}
namespace sig {
enum : std::uint16_t { none = 1, rsassapkcs1v15_sha1 = 2 };
}
namespace alg {
enum : std::uint32_t { rsa = 1, aes128 = 6 };
}

}  // namespace vtwin::tpm::tpm12
