// TPM 2.0 commands as bytes (TPM 2.0 Library Part 3), as far as firmware, drivers and the manager send them.
// Only password sessions occur, so there is no session state: a command is built, its response is parsed.
#pragma once

#include <optional>

#include "tpm/codec/wire.h"

namespace vtwin::tpm::tpm20 {

inline constexpr std::uint16_t tag_no_sessions = 0x8001, tag_sessions = 0x8002;

namespace cc {
enum : std::uint32_t {
    evict_control = 0x120,
    hierarchy_change_auth = 0x129,
    pcr_allocate = 0x12B,
    create_primary = 0x131,
    self_test = 0x143,
    startup = 0x144,
    shutdown = 0x145,
    activate_credential = 0x147,
    policy_secret = 0x151,
    create = 0x153,
    load = 0x157,
    quote = 0x158,
    rsa_decrypt = 0x159,
    sign = 0x15D,
    unseal = 0x15E,
    context_load = 0x161,
    context_save = 0x162,
    flush_context = 0x165,
    read_public = 0x173,
    rsa_encrypt = 0x174,
    start_auth_session = 0x176,
    get_capability = 0x17A,
    get_random = 0x17B,
    pcr_read = 0x17E,
    pcr_extend = 0x182,
    /// Xen's vTPM only, and ours: the body of TPM2_Quote, then TPM_PCR_SELECTION of the hardware and u32
    /// flags. The number is that of TPM 1.2's DeepQuote: bit 29 marks a vendor's command in both families.
    deep_quote = 0x20000016,
};
}  // namespace cc

namespace rc {
enum : std::uint32_t {
    success = 0,
    handle = 0x08B,
    session_number = 0x800,  ///< TPM_RC_S, added to a code of format 1 with 0x100 per session
    initialize = 0x100,
    failure = 0x101,
    command_size = 0x142,
    command_code = 0x143,
    auth_size = 0x144,
    nv_defined = 0x14C,
    locality = 0x907,
    testing = 0x90A,
    reference_h0 = 0x910,
    retry = 0x922,
};
}  // namespace rc

namespace cap {
enum : std::uint32_t { handles = 1, commands = 2, pcrs = 5, tpm_properties = 6 };
enum : std::uint32_t { first_command = 0x11F, total_commands = 0x129 };
}  // namespace cap

namespace alg {
enum : std::uint16_t {
    sha1 = 0x0004,
    aes = 0x0006,
    sha256 = 0x000B,
    null = 0x0010,
    rsassa = 0x0014,
    oaep = 0x0017,
    cfb = 0x0043,
    rsa = 1
};
}
namespace handle {
enum : std::uint32_t {
    owner = 0x40000001,
    null = 0x40000007,
    password_session = 0x40000009,
    endorsement = 0x4000000B,
    platform = 0x4000000C,
    first_transient = 0x80000000
};
}
namespace su {
enum : std::uint16_t { clear = 0, state = 1 };
}

/// The password that the manager gives its keys; the TPM strips trailing zeros, so it equals the empty one.
inline const bytes manager_password(20);

bytes startup(std::uint16_t type);
bytes shutdown(std::uint16_t type);
bytes self_test(bool full);
bytes get_random(std::uint16_t count);
bytes get_capability(std::uint32_t capability, std::uint32_t property, std::uint32_t count);
/// One PCR (0..23) of one bank.
bytes pcr_read(std::uint16_t bank, unsigned pcr);
/// `measurement` must have the bank's size. Empty password.
bytes pcr_extend(unsigned pcr, std::uint16_t bank, byte_view measurement);
/// One digest of one bank.
struct bank_digest {
    std::uint16_t bank = 0;
    bytes digest;
};
/// The same event in several banks, as Linux extends: every digest with its bank's size. Empty password.
bytes pcr_extend(unsigned pcr, const std::vector<bank_digest>& digests);
/// Octets of a digest: 20 for SHA-1, 32 for SHA-256, 0 for an algorithm that this project does not use.
std::size_t digest_size(std::uint16_t bank);
bytes flush_context(std::uint32_t object);
/// The manager's SRK: restricted RSA 2048 decryption key in the owner hierarchy, AES-128 CFB.
bytes create_primary_storage_key();
/// The manager's sealing key: unrestricted RSA 2048 OAEP SHA-256 key. `parent_password` authorises the
/// parent.
bytes create_sealing_key(std::uint32_t parent, byte_view parent_password);
/// `private_part` and `public_part` without their TPM2B sizes.
bytes load(std::uint32_t parent, byte_view parent_password, byte_view private_part, byte_view public_part);
/// The key's own scheme and an empty label.
bytes rsa_encrypt(std::uint32_t key, byte_view message);
bytes rsa_decrypt(std::uint32_t key, byte_view key_password, byte_view ciphertext);

/// A response taken apart as far as its header goes.
struct response {
    std::uint32_t code = 0;
    bytes handle_and_parameters;  ///< everything behind the header
};
/// nullopt when the header is cut, the size field is not the length, or the tag is no response tag. A
/// response in TPM 1.2 form (tag 0x00C4) is one to a command whose tag the TPM did not know.
std::optional<response> parse_response(byte_view data);

/// Bodies of successful responses; nullopt when malformed.
std::optional<bytes> random_of(const response& from);
std::optional<bytes> digest_of_pcr_read(const response& from);  ///< empty when the bank does not exist
std::optional<std::uint32_t> handle_of(const response& from);   ///< CreatePrimary, Load
/// Banks with at least one PCR, from GetCapability(TPM_CAP_PCRS), in the TPM's order.
std::optional<std::vector<std::uint16_t>> banks_of(const response& from);
std::optional<bytes> rsa_text_of(const response& from, bool with_session);
struct created_key {
    bytes private_part, public_part;  ///< without their TPM2B sizes
};
std::optional<created_key> key_of_create(const response& from);

}  // namespace vtwin::tpm::tpm20
