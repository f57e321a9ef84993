#include "hypervisor/xenstore/store_tree.h"

#include <algorithm>
#include <systemc>

namespace vtwin::xen {

std::string child_path(std::string_view parent, std::string_view name) {
    std::string path(parent);
    if (path.back() != '/') {
        path += '/';
    }
    path += name;
    return path;
}

store_tree::store_tree() {
    const std::vector<xs_perm> closed{{xs_right::none, dom0}};
    put("/", {"", closed, {"tool"}}, announce::nobody);
    put("/tool", {"", closed, {"xenstored"}}, announce::nobody);
    put("/tool/xenstored", {"", closed, {}}, announce::nobody);
    // The special nodes carry permissions only: who may watch a domain come and go.
    put("@introduceDomain", {"", closed, {}}, announce::nobody);
    put("@releaseDomain", {"", {{xs_right::read, dom0}}, {}}, announce::nobody);
}

const store_node* store_tree::find(std::string_view path) const {
    const auto at = m_nodes.find(path);
    return at == m_nodes.end() ? nullptr : &at->second;
}

std::uint64_t store_tree::generation_of(std::string_view path) const {
    const auto* node = find(path);
    return node ? node->generation : no_generation;
}

std::int64_t store_tree::owned_by(domid_t domid) const {
    const auto at = m_owned.find(domid);
    return at == m_owned.end() ? 0 : at->second;
}

void store_tree::put(std::string_view path, store_node node, announce to) {
    node.generation = ++m_generation;
    auto at = m_nodes.find(path);
    if (at == m_nodes.end()) {
        at = m_nodes.emplace(std::string(path), std::move(node)).first;
    } else {
        --m_owned[at->second.owner()];
        at->second = std::move(node);
    }
    ++m_owned[at->second.owner()];
    if (to != announce::nobody) {
        const auto* above = find(parent_path(path));
        announce_change(path, to, at->second.perms, above ? above->perms : at->second.perms);
    }
}

void store_tree::remove(std::string_view path, announce to) {
    const auto at = m_nodes.find(path);
    sc_assert(at != m_nodes.end());
    if (to != announce::nobody) {
        const auto* above = find(parent_path(path));
        announce_change(path, to, at->second.perms, above ? above->perms : at->second.perms);
    }
    --m_owned[at->second.owner()];
    m_nodes.erase(at);
    ++m_generation;
}

void store_tree::announce_change(std::string_view path, announce to, const std::vector<xs_perm>& perms,
                                 const std::vector<xs_perm>& above) const {
    if (m_sink && to != announce::nobody) {
        m_sink(path, to, perms, above);
    }
}

void store_tree::remove_subtree(const std::string& path, announce to) {
    const auto children = find(path)->children;
    for (const auto& name : children) {
        remove_subtree(child_path(path, name), announce::exact);
    }
    remove(path, to);
}

void store_tree::forget_below(const std::string& path, domid_t domid) {
    const auto children = find(path)->children;  // a copy: the list shrinks while we walk
    for (const auto& name : children) {
        const auto child = child_path(path, name);
        if (find(child)->owner() != domid) {
            forget_below(child, domid);
            continue;
        }
        remove_subtree(child, announce::everybody);
        auto parent = *find(path);
        std::erase(parent.children, name);
        put(path, std::move(parent), announce::nobody);
    }
    const auto& perms = find(path)->perms;
    const auto names_it = [domid](const xs_perm& perm) { return perm.domid == domid; };
    if (std::any_of(perms.begin() + 1, perms.end(), names_it)) {
        auto node = *find(path);
        node.perms.erase(std::remove_if(node.perms.begin() + 1, node.perms.end(), names_it),
                         node.perms.end());
        put(path, std::move(node), announce::nobody);
    }
}

void store_tree::forget_domain(domid_t domid) {
    forget_below("/", domid);
}

void store_tree::list_below(const std::string& path, std::vector<std::string>& out) const {
    out.push_back(path);
    for (const auto& name : find(path)->children) {
        list_below(child_path(path, name), out);
    }
}

std::vector<std::string> store_tree::all_paths() const {
    std::vector<std::string> paths;
    list_below("/", paths);
    return paths;
}

}  // namespace vtwin::xen
