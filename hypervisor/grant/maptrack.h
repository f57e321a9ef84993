// Handles of the grant mappings that one domain holds (Xen's maptrack).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hypervisor/types.h"

namespace vtwin::xen {

/// What a handle stands for. A mapping has a host part (a page in the address space) and a device part.
struct grant_mapping {
    domid_t granter{};
    grant_ref ref{};
    bool host = false, device = false, read_only = false;
    guest_addr at{};  ///< of the host part; 0 when the mapper is a service without address space
    bool in_use() const { return host || device; }
};

/// Frames of 256 handles, first-in first-out within the one vCPU's free list; the last free handle stays as
/// the list's tail, so handle 0 comes back only after the others of its frame. Handles of a later frame go to
/// the list's head.
class maptrack {
  public:
    static constexpr std::uint32_t per_frame = 256;
    explicit maptrack(std::uint32_t max_frames) : m_max_frames(max_frames) {}

    std::optional<grant_handle> take();        ///< nullopt: exhausted
    void give_back(grant_handle handle);       ///< to the tail of the free list
    grant_mapping* find(grant_handle handle);  ///< nullptr: beyond the table, or not in use
    grant_mapping& at(grant_handle handle) { return m_entries[to_underlying(handle)].mapping; }
    std::uint32_t size() const { return static_cast<std::uint32_t>(m_entries.size()); }
    std::uint32_t live() const;  ///< handles in use

  private:
    static constexpr std::uint32_t none = 0xFFFFFFFF;
    struct entry {
        grant_mapping mapping;
        std::uint32_t next = none;
    };
    std::optional<grant_handle> grow();

    std::uint32_t m_max_frames;
    std::vector<entry> m_entries;
    std::uint32_t m_head = none, m_tail = none;
};

}  // namespace vtwin::xen
