#include "hypervisor/xenstore/store_ops.h"

#include <algorithm>

#include "hypervisor/xenstore/store_tree.h"
#include "hypervisor/xenstore/xs_wire.h"

namespace vtwin::xen {

namespace {

bool node_too_big(const store_caller& caller, const store_quotas& quotas, const store_node& node) {
    return !caller.privileged && node.accounted_size() >= quotas.node_size;
}

/// Nodes that creating `path` makes, the topmost first.
std::vector<std::string_view> missing_nodes(store_view& view, std::string_view path) {
    std::vector<std::string_view> missing;
    for (auto at = path; !view.get(at); at = parent_path(at)) {
        missing.push_back(at);
    }
    std::reverse(missing.begin(), missing.end());
    return missing;
}

/// Creates the node and, silently, its missing parents. The caller has been found entitled to.
errno_t create_node(store_view& view, const store_caller& caller, const store_quotas& quotas,
                    std::string_view path, std::string_view value) {
    if (path.front() == '@') {
        return errno_t::einval;
    }
    const auto missing = missing_nodes(view, path);
    const auto ancestor = parent_path(missing.front());
    if (!caller.privileged &&
        view.owned_by(caller.domid) + static_cast<std::int64_t>(missing.size()) >= quotas.nodes) {
        return errno_t::enospc;
    }
    auto parent = *view.get(ancestor);
    auto perms = parent.perms;
    if (!caller.privileged) {
        perms.front().domid = caller.domid;
    }
    parent.children.emplace_back(base_name(missing.front()));
    if (node_too_big(caller, quotas, parent)) {
        return errno_t::enospc;
    }
    store_node named{std::string(value), perms, {}};
    if (node_too_big(caller, quotas, named)) {
        return errno_t::enospc;
    }
    for (const auto at : missing) {
        if (!view.room_for(caller, at)) {
            return errno_t::enospc;
        }
    }
    for (std::size_t i = 0; i + 1 < missing.size(); ++i) {
        view.put(missing[i], {"", perms, {std::string(base_name(missing[i + 1]))}}, announce::nobody);
    }
    view.put(ancestor, std::move(parent), announce::nobody);
    view.put(path, std::move(named), announce::everybody);
    return errno_t::ok;
}

// A transaction sees each node as of its own first access, so a parent may list a child that is gone by then,
// or be absent itself while the child is there. Its commit will answer EAGAIN; until then the request has to
// live with it.
void remove_below(store_view& view, const std::string& path, announce to) {
    const auto* node = view.get(path);
    if (node == nullptr) {
        return;
    }
    const auto children = node->children;
    for (const auto& name : children) {
        remove_below(view, child_path(path, name), announce::exact);
    }
    view.remove(path, to);
}

}  // namespace

store_result find_node(store_view& view, const store_caller& caller, std::string_view path, xs_right want) {
    if (!view.room_for(caller, path)) {
        return {errno_t::enospc};
    }
    if (const auto* node = view.get(path)) {
        return includes(rights_of(node->perms, caller), want) ? store_result{errno_t::ok, node}
                                                              : store_result{errno_t::eacces};
    }
    for (auto at = parent_path(path); !at.empty(); at = parent_path(at)) {
        if (const auto* node = view.get(at)) {
            return {includes(rights_of(node->perms, caller), want) ? errno_t::enoent : errno_t::eacces};
        }
    }
    return {errno_t::enoent};
}

errno_t write_node(store_view& view, const store_caller& caller, const store_quotas& quotas,
                   std::string_view path, std::string_view value) {
    const auto found = find_node(view, caller, path, xs_right::write);
    if (found.error == errno_t::enoent) {
        return create_node(view, caller, quotas, path, value);
    }
    if (found.error != errno_t::ok) {
        return found.error;
    }
    auto node = *found.node;
    node.value = value;
    if (node_too_big(caller, quotas, node)) {
        return errno_t::enospc;
    }
    view.put(path, std::move(node), announce::everybody);
    return errno_t::ok;
}

errno_t make_dir(store_view& view, const store_caller& caller, const store_quotas& quotas,
                 std::string_view path) {
    const auto found = find_node(view, caller, path, xs_right::write);
    return found.error == errno_t::enoent ? create_node(view, caller, quotas, path, "") : found.error;
}

errno_t remove_node(store_view& view, const store_caller& caller, std::string_view path) {
    const auto found = find_node(view, caller, path, xs_right::write);
    const std::string above(parent_path(path));
    if (found.error == errno_t::enoent) {
        return view.get(above) ? errno_t::ok : errno_t::enoent;
    }
    if (found.error != errno_t::ok) {
        return found.error;
    }
    if (above.empty()) {
        return errno_t::einval;
    }
    remove_below(view, std::string(path), announce::everybody);
    if (const auto* there = view.get(above)) {
        auto parent = *there;
        std::erase(parent.children, base_name(path));
        view.put(above, std::move(parent), announce::nobody);
    }
    return errno_t::ok;
}

errno_t set_node_perms(store_view& view, const store_caller& caller, const store_quotas& quotas,
                       std::string_view path, std::vector<xs_perm> perms) {
    const auto found = find_node(view, caller, path, xs_right::write);
    if (found.error != errno_t::ok) {
        return found.error;
    }
    if (!caller.privileged && found.node->owner() != caller.domid && found.node->owner() != caller.target) {
        return errno_t::eacces;
    }
    if (!caller.privileged && perms.front().domid != found.node->owner()) {
        return errno_t::eperm;
    }
    if (!caller.privileged && perms.size() >= quotas.perms) {
        return errno_t::enospc;
    }
    auto node = *found.node;
    node.perms = std::move(perms);
    if (node_too_big(caller, quotas, node)) {
        return errno_t::enospc;
    }
    view.put(path, std::move(node), announce::everybody);
    return errno_t::ok;
}

namespace {

bool well_formed(std::string_view path) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
               c == '/' || c == '_' || c == '@';
    };
    if (path.empty() || !std::all_of(path.begin(), path.end(), allowed)) {
        return false;
    }
    if (path == "/") {
        return true;
    }
    return path.back() != '/' && path.find("//") == std::string_view::npos;
}

/// Length that the path quota tests: without a leading /local/domain/<number>/.
std::size_t counted_length(std::string_view path) {
    constexpr std::string_view home = "/local/domain/";
    if (!path.starts_with(home)) {
        return path.size();
    }
    const auto slash = path.find('/', home.size());
    const auto number =
        path.substr(home.size(), slash == std::string_view::npos ? slash : slash - home.size());
    if (slash == std::string_view::npos || !parse_decimal(number, 0xFFFF)) {
        return path.size();
    }
    return path.size() - slash - 1;
}

}  // namespace

std::string absolute_path(std::string_view path, const store_caller& caller, const store_quotas& quotas,
                          bool special) {
    if (!well_formed(path) || (path.front() == '@' && !special)) {
        return {};
    }
    std::string full(path);
    if (path.front() != '/' && path.front() != '@') {
        full = "/local/domain/" + std::to_string(to_underlying(caller.domid)) + "/" + full;
    }
    if (!caller.privileged && counted_length(full) >= quotas.path) {
        return {};
    }
    return full;
}

}  // namespace vtwin::xen
