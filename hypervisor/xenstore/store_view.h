// A store as one request sees it: the tree itself, or the private view of a transaction.
#pragma once

#include <cstdint>
#include <string_view>

#include "hypervisor/xenstore/store_node.h"

namespace vtwin::xen {

/// Whether a change is announced, and to whom.
enum class announce : std::uint8_t {
    nobody,     ///< a parent's child list, an implicitly created parent
    exact,      ///< below a removed node: only watches on exactly this path
    everybody,  ///< watches on this path or above
};

class store_view {
  public:
    virtual ~store_view() = default;
    /// The node, or null when absent; valid until the next change.
    virtual const store_node* get(std::string_view path) = 0;
    /// Creates or replaces a node; its owner is charged.
    virtual void put(std::string_view path, store_node node, announce to) = 0;
    /// Removes a node that is there (not its children, not its name in the parent).
    virtual void remove(std::string_view path, announce to) = 0;
    /// Nodes owned by a domain in this view.
    virtual std::int64_t owned_by(domid_t domid) const = 0;
    /// False when no further node may be touched (nodes-per-transaction quota); the transaction is then
    /// failed.
    virtual bool room_for(const store_caller& caller, std::string_view path) = 0;
};

}  // namespace vtwin::xen
