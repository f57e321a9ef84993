#include "hypervisor/xenstore/store_node.h"

#include "hypervisor/xenstore/xs_wire.h"

namespace vtwin::xen {

std::optional<xs_perm> parse_perm(std::string_view text) {
    if (text.size() < 2) {
        return std::nullopt;
    }
    xs_perm perm;
    switch (text.front()) {
        case 'n':
            perm.right = xs_right::none;
            break;
        case 'r':
            perm.right = xs_right::read;
            break;
        case 'w':
            perm.right = xs_right::write;
            break;
        case 'b':
            perm.right = xs_right::both;
            break;
        default:
            return std::nullopt;
    }
    const auto domid = parse_decimal(text.substr(1), 0xFFFF);
    if (!domid) {
        return std::nullopt;
    }
    perm.domid = static_cast<domid_t>(*domid);
    return perm;
}

std::string to_string(const xs_perm& perm) {
    constexpr char letters[] = {'n', 'r', 'w', 'b'};
    return letters[to_underlying(perm.right)] + std::to_string(to_underlying(perm.domid));
}

std::size_t store_node::accounted_size() const {
    std::size_t size = 16 + 8 * perms.size() + value.size();
    for (const auto& child : children) {
        size += child.size() + 1;
    }
    return size;
}

namespace {

xs_right rights_of_domain(const std::vector<xs_perm>& perms, domid_t domid) {
    if (perms.front().domid == domid) {
        return xs_right::both;
    }
    for (std::size_t i = 1; i < perms.size(); ++i) {
        if (perms[i].domid == domid || perms[i].domid == domid_any) {
            return perms[i].right;
        }
    }
    return perms.front().right;
}

}  // namespace

xs_right rights_of(const std::vector<xs_perm>& perms, const store_caller& caller) {
    if (caller.privileged) {
        return xs_right::both;
    }
    auto right = rights_of_domain(perms, caller.domid);
    if (caller.target) {
        right = static_cast<xs_right>(to_underlying(right) |
                                      to_underlying(rights_of_domain(perms, *caller.target)));
    }
    return right;
}

std::string_view parent_path(std::string_view path) {
    if (path == "/" || path.empty() || path.front() == '@') {
        return {};
    }
    const auto slash = path.rfind('/');
    return slash == 0 ? std::string_view{"/"} : path.substr(0, slash);
}

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace vtwin::xen
