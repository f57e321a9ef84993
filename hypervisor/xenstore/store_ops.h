// What the requests do to a store: permissions, implicit parents, quotas. Each works on the tree or on a
// transaction alike. Source: docs/misc/xenstore.txt.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "hypervisor/xenstore/store_view.h"

namespace vtwin::xen {

/// Limits for unprivileged domains. A value counts as exceeded when it would REACH the limit.
struct store_quotas {
    std::int64_t nodes = 1000;
    std::size_t watches = 128;
    std::size_t transactions = 10;
    std::size_t transaction_nodes = 1024;
    std::size_t perms = 5;
    std::size_t node_size = 2048;
    std::size_t path = 2048;
    std::size_t outstanding = 20;
    std::size_t memory = 2621440;  ///< bytes queued for one connection
};

struct store_result {
    errno_t error = errno_t::ok;
    const store_node* node = nullptr;  ///< set when error is ok; valid until the next change
};

/// Finds a node with the rights asked for. ENOENT only when the nearest existing ancestor grants them, else
/// EACCES.
store_result find_node(store_view& view, const store_caller& caller, std::string_view path, xs_right want);

errno_t write_node(store_view& view, const store_caller& caller, const store_quotas& quotas,
                   std::string_view path, std::string_view value);
errno_t make_dir(store_view& view, const store_caller& caller, const store_quotas& quotas,
                 std::string_view path);
/// A missing node counts as removed when its parent exists.
errno_t remove_node(store_view& view, const store_caller& caller, std::string_view path);
errno_t set_node_perms(store_view& view, const store_caller& caller, const store_quotas& quotas,
                       std::string_view path, std::vector<xs_perm> perms);

/// Absolute path of a request: relative ones lie below /local/domain/<caller>. Empty when malformed or too
/// long;
/// "@..." only where `special` allows it.
std::string absolute_path(std::string_view path, const store_caller& caller, const store_quotas& quotas,
                          bool special);

}  // namespace vtwin::xen
