// One node of XenStore and the rights on it. Source: docs/misc/xenstore.txt (permissions).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/types.h"

namespace vtwin::xen {

/// A set of rights: bit 0 read, bit 1 write.
enum class xs_right : std::uint8_t { none = 0, read = 1, write = 2, both = 3 };

constexpr bool includes(xs_right have, xs_right want) {
    return (to_underlying(have) & to_underlying(want)) == to_underlying(want);
}

/// One permission entry. The first of a node names the owner and, as its right, what everybody not listed may
/// do.
struct xs_perm {
    xs_right right = xs_right::none;
    domid_t domid{};
    bool operator==(const xs_perm&) const = default;
};

/// "n1", "r0", "w7", "b3"; nullopt when malformed.
std::optional<xs_perm> parse_perm(std::string_view text);
std::string to_string(const xs_perm& perm);

/// A node. Absent nodes have generation `no_generation`.
struct store_node {
    std::string value;
    std::vector<xs_perm> perms;         ///< never empty
    std::vector<std::string> children;  ///< names in order of creation, as DIRECTORY lists them
    std::uint64_t generation = 0;

    domid_t owner() const { return perms.front().domid; }
    /// Size that the node quota counts: 16-byte record header, 8 per permission, value, child names with
    /// NULs.
    std::size_t accounted_size() const;
};
inline constexpr std::uint64_t no_generation = ~std::uint64_t{0};

/// Who asks: an unprivileged domain is bound by permissions and quotas. `target` is a domain for which this
/// one acts (SET_TARGET): its rights count too.
struct store_caller {
    domid_t domid{};
    bool privileged = false;
    std::optional<domid_t> target;
};

/// Rights of a caller under a permission list: owner and privileged callers have all.
xs_right rights_of(const std::vector<xs_perm>& perms, const store_caller& caller);

/// Name of the node above ("/a/b" -> "/a", "/a" -> "/"); "/" and special nodes ("@...") have none: "".
std::string_view parent_path(std::string_view path);
std::string_view base_name(std::string_view path);

}  // namespace vtwin::xen
