#include "hypervisor/xenstore/transaction.h"

#include <algorithm>
#include <systemc>

namespace vtwin::xen {

transaction::accessed_node& transaction::access(std::string_view path) {
    const auto at = m_index.find(path);
    if (at != m_index.end()) {
        return m_nodes[at->second];
    }
    m_index.emplace(std::string(path), m_nodes.size());
    auto& node = m_nodes.emplace_back();
    node.path = path;
    if (const auto* base = m_tree.find(path)) {
        node.base_generation = base->generation;
        node.now = *base;
    }
    return node;
}

void transaction::put(std::string_view path, store_node node, announce to) {
    auto& entry = access(path);
    if (entry.now) {
        --m_owned_delta[entry.now->owner()];
    }
    ++m_owned_delta[node.owner()];
    entry.now = std::move(node);
    entry.modified = true;
    entry.to = std::max(entry.to, to);
}

void transaction::remove(std::string_view path, announce to) {
    auto& entry = access(path);
    sc_assert(entry.now);
    --m_owned_delta[entry.now->owner()];
    entry.old_perms = entry.now->perms;
    entry.now.reset();
    entry.modified = true;
    entry.to = std::max(entry.to, to);
}

std::int64_t transaction::owned_by(domid_t domid) const {
    const auto delta = m_owned_delta.find(domid);
    return m_tree.owned_by(domid) + (delta == m_owned_delta.end() ? 0 : delta->second);
}

bool transaction::room_for(const store_caller& caller, std::string_view path) {
    if (caller.privileged || m_index.contains(path) || m_nodes.size() + 1 < m_max_nodes) {
        return true;
    }
    m_failed = true;
    return false;
}

errno_t transaction::commit(const store_caller& caller, std::int64_t max_owned) {
    if (m_failed) {
        return errno_t::enomem;
    }
    const auto delta = m_owned_delta.find(caller.domid);
    if (!caller.privileged && delta != m_owned_delta.end() && delta->second > 0 &&
        owned_by(caller.domid) >= max_owned) {
        return errno_t::enospc;
    }
    const auto unchanged = [this](const accessed_node& node) {
        return m_tree.generation_of(node.path) == node.base_generation;
    };
    if (!std::all_of(m_nodes.begin(), m_nodes.end(), unchanged)) {
        return errno_t::eagain;
    }
    apply();
    announce_all();
    return errno_t::ok;
}

void transaction::apply() {
    for (const auto& node : m_nodes) {
        if (!node.modified) {
            continue;
        }
        if (node.now) {
            m_tree.put(node.path, *node.now, announce::nobody);
        } else if (m_tree.find(node.path)) {
            m_tree.remove(node.path, announce::nobody);
        }
    }
}

const std::vector<xs_perm>* transaction::perms_of(std::string_view path) const {
    const auto at = m_index.find(path);
    if (at != m_index.end() && !m_nodes[at->second].now && m_nodes[at->second].modified) {
        return &m_nodes[at->second].old_perms;
    }
    const auto* node = m_tree.find(path);
    return node ? &node->perms : nullptr;
}

void transaction::announce_all() const {
    for (const auto& node : m_nodes) {
        if (!node.modified || node.to == announce::nobody) {
            continue;
        }
        const auto* perms = perms_of(node.path);
        const auto* above = perms_of(parent_path(node.path));
        m_tree.announce_change(node.path, node.to, *perms, above ? *above : *perms);
    }
}

}  // namespace vtwin::xen
