// A XenStore transaction: node-level snapshot, checked at the end against what others changed meanwhile.
// Source: docs/misc/xenstore.txt, tools/xenstored transaction handling.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hypervisor/xenstore/store_tree.h"

namespace vtwin::xen {

class transaction final : public store_view {
  public:
    /// `max_nodes`: an unprivileged caller touches fewer nodes than this.
    transaction(store_tree& tree, std::size_t max_nodes) : m_tree(tree), m_max_nodes(max_nodes) {}

    /// As of first access to the node, plus own changes.
    const store_node* get(std::string_view path) override {
        return access(path).now ? &*access(path).now : nullptr;
    }
    void put(std::string_view path, store_node node, announce to) override;
    void remove(std::string_view path, announce to) override;
    std::int64_t owned_by(domid_t domid) const override;
    bool room_for(const store_caller& caller, std::string_view path) override;

    /// Makes END(T) answer ENOMEM.
    void fail() { m_failed = true; }

    /// END(T): ok, ENOMEM (failed), ENOSPC (the caller would own `max_owned` nodes or more) or EAGAIN (a node
    /// that was read here has changed), tested in this order. Only on ok is anything applied; events follow
    /// in the order in which the nodes were first accessed.
    errno_t commit(const store_caller& caller, std::int64_t max_owned);

  private:
    struct accessed_node {
        std::string path;
        std::uint64_t base_generation = no_generation;
        std::optional<store_node> now;
        bool modified = false;
        announce to = announce::nobody;
        std::vector<xs_perm> old_perms;  ///< of a node deleted here
    };

    accessed_node& access(std::string_view path);
    void apply();
    void announce_all() const;
    const std::vector<xs_perm>* perms_of(std::string_view path) const;
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    store_tree& m_tree;
    std::size_t m_max_nodes;
    bool m_failed = false;
    std::deque<accessed_node> m_nodes;  ///< in order of first access; addresses stay valid
    std::unordered_map<std::string, std::size_t, hash, std::equal_to<>> m_index;  ///< looked up only
    std::map<domid_t, std::int64_t> m_owned_delta;
};

}  // namespace vtwin::xen
