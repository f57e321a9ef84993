// The nodes of XenStore, their generations and who owns how many.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hypervisor/xenstore/store_view.h"

namespace vtwin::xen {

/// Told about every announced change. `perms` are those of the node (the old ones when it was deleted),
/// `above` those of its parent; both decide who may see the event.
using store_change_sink =
    std::function<void(std::string_view path, announce to, const std::vector<xs_perm>& perms,
                       const std::vector<xs_perm>& above)>;

class store_tree final : public store_view {
  public:
    /// A tree with the root and xenstored's own /tool/xenstored, owned by dom0 and closed to others.
    store_tree();

    void on_change(store_change_sink sink) { m_sink = std::move(sink); }

    const store_node* get(std::string_view path) override { return find(path); }
    void put(std::string_view path, store_node node, announce to) override;
    void remove(std::string_view path, announce to) override;
    std::int64_t owned_by(domid_t domid) const override;
    bool room_for(const store_caller&, std::string_view) override { return true; }

    const store_node* find(std::string_view path) const;
    std::uint64_t generation_of(std::string_view path) const;
    void announce_change(std::string_view path, announce to, const std::vector<xs_perm>& perms,
                         const std::vector<xs_perm>& above) const;
    /// A domain is gone: every node that it owns goes with its subtree, its entries leave all other
    /// permission lists (a later domain of the same number must not inherit rights, XSA-322). Removed tops
    /// are announced.
    void forget_domain(domid_t domid);
    /// Every path, parents first, children in order of creation.
    std::vector<std::string> all_paths() const;
    std::size_t size() const { return m_nodes.size(); }

  private:
    struct hash : std::hash<std::string_view> {
        using is_transparent = void;
    };
    using node_map = std::unordered_map<std::string, store_node, hash, std::equal_to<>>;

    void list_below(const std::string& path, std::vector<std::string>& out) const;
    void forget_below(const std::string& path, domid_t domid);
    void remove_subtree(const std::string& path, announce to);

    node_map m_nodes;  ///< looked up only, never iterated
    std::map<domid_t, std::int64_t> m_owned;
    std::uint64_t m_generation = 0;
    store_change_sink m_sink;
};

/// "/a" + "b" -> "/a/b"; "/" + "b" -> "/b".
std::string child_path(std::string_view parent, std::string_view name);

}  // namespace vtwin::xen
