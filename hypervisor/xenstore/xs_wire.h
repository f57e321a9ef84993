// XenStore messages as they lie on a ring: a 16-byte little-endian header and its payload.
// Source: xen/include/public/io/xs_wire.h, docs/misc/xenstore.txt.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/types.h"

namespace vtwin::xen {

/// XS_*: message types. 20 (XS_RESTRICT) is retired.
enum class xs_op : std::uint32_t {
    control = 0,
    directory = 1,
    read = 2,
    get_perms = 3,
    watch = 4,
    unwatch = 5,
    transaction_start = 6,
    transaction_end = 7,
    introduce = 8,
    release = 9,
    get_domain_path = 10,
    write = 11,
    mkdir = 12,
    rm = 13,
    set_perms = 14,
    watch_event = 15,
    error = 16,
    is_domain_introduced = 17,
    resume = 18,
    set_target = 19,
    reset_watches = 21,
    directory_part = 22,
};

/// Name of the operation as xenstored's trace prints it; "?" for an unknown number.
std::string_view to_string(xs_op op);

/// Wire name of an error ("ENOENT"); EINVAL for a value that has none.
std::string_view xs_error_name(errno_t error);
/// The reverse; EIO for an unknown name.
errno_t xs_error_value(std::string_view name);

inline constexpr std::size_t xs_header_size = 16;
inline constexpr std::size_t xs_payload_max = 4096;

/// struct xsd_sockmsg: type@0, req_id@4, tx_id@8, len@12, all little endian.
struct xs_header {
    std::uint32_t type = 0;
    std::uint32_t req_id = 0;
    std::uint32_t tx_id = 0;
    std::uint32_t len = 0;
};
std::array<std::byte, xs_header_size> encode(const xs_header& header);
xs_header decode_header(std::span<const std::byte, xs_header_size> wire);

/// One message; the payload's NULs are part of it.
struct xs_message {
    xs_op type = xs_op::error;
    std::uint32_t req_id = 0;
    std::uint32_t tx_id = 0;
    std::string payload;

    std::size_t wire_size() const { return xs_header_size + payload.size(); }
};
std::vector<std::byte> encode(const xs_message& message);

/// The NUL-terminated strings of a payload; nullopt when the last one lacks its NUL.
std::optional<std::vector<std::string_view>> split_strings(std::string_view payload);

/// Unsigned decimal text, all of it; nullopt when malformed or above `max`.
std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max);

/// The ring page of a domain (struct xenstore_domain_interface).
struct xs_ring {
    static constexpr std::size_t size = 1024;
    static constexpr std::size_t req = 0, rsp = 1024;               ///< data areas
    static constexpr std::size_t req_cons = 2048, req_prod = 2052;  ///< free-running indexes
    static constexpr std::size_t rsp_cons = 2056, rsp_prod = 2060;
    static constexpr std::size_t server_features = 2064, connection = 2068, error = 2072, evtchn_port = 2076;
    static constexpr std::uint32_t features_offered = 0xE;  ///< error field, depth, any-domid watch
    enum class error_code : std::uint32_t { none = 0, communication = 1, ring_index = 2, protocol = 3 };
};

}  // namespace vtwin::xen
