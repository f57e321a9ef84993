// One domain's grant table, version 1: the shared entries in guest-visible frames and Xen's private view of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hypervisor/memory/address_space.h"
#include "hypervisor/memory/machine_memory.h"

namespace vtwin::xen {

/// GTF_*: flags word of a v1 entry (public/grant_table.h). Entry: flags u16@0, domid u16@2, frame u32@4.
struct gtf {
    static constexpr std::uint16_t type_mask = 3, permit_access = 1, accept_transfer = 2, readonly = 4,
                                   reading = 8, writing = 0x10, sub_page = 0x100;
};
inline constexpr std::size_t grant_entry_size = 8;
inline constexpr std::uint32_t grants_per_frame = page_size / grant_entry_size;
inline constexpr std::uint32_t reserved_grants = 8;
inline constexpr grant_ref grant_ref_console{0}, grant_ref_xenstore{1};

/// What a pin of an entry is for; each has an 8-bit counter.
struct pin_request {
    bool host = false, device = false, read_only = false;
};

class grant_table {
  public:
    grant_table(machine_memory& memory, domid_t owner, std::uint32_t max_frames);

    std::uint32_t entries() const { return nr_frames() * grants_per_frame; }
    std::uint32_t nr_frames() const { return static_cast<std::uint32_t>(m_frames.size()); }
    std::uint32_t max_frames() const { return m_max_frames; }
    mfn_t frame(std::uint32_t index) const { return m_frames[index]; }
    bool grow(std::uint32_t nr_frames);  ///< false above the limit
    void set_entry(grant_ref ref, std::uint16_t flags, domid_t allowed, gfn_t gfn);  ///< as its owner would
    std::uint16_t flags(grant_ref ref);

    /// Claims an entry for `user` (xen-plumbing 1.5, rows 6 to 13) and returns the frame behind it. `space`
    /// is the owner's; nullptr when the owner is dying and its pages cannot be referenced any more.
    gntst pin(domid_t user, grant_ref ref, pin_request what, address_space* space, mfn_t& frame);
    /// Takes one pin back; the in-use bits follow.
    void unpin(grant_ref ref, pin_request what);

    std::uint32_t pins(grant_ref ref) const;                   ///< sum of the entry's four counters
    std::uint32_t total_pins() const { return m_total_pins; }  ///< of all entries
    domid_t pinned_by(grant_ref ref) const { return m_active[to_underlying(ref)].user; }
    mfn_t pinned_frame(grant_ref ref) const { return m_active[to_underlying(ref)].frame; }
    void relinquish();  ///< gives the table's own frames back

  private:
    enum counter : std::size_t { host_write, host_read, device_write, device_read };
    struct active_entry {
        std::uint8_t pin[4] = {0, 0, 0, 0};
        domid_t user{};
        mfn_t frame{};
        bool pinned() const { return pin[0] | pin[1] | pin[2] | pin[3]; }
        bool write_pinned() const { return pin[host_write] | pin[device_write]; }
    };
    static bool counter_full(const active_entry& entry, pin_request what);
    /// Each counted pin holds one reference to the frame.
    void count(active_entry& entry, pin_request what, int step);
    std::byte* entry(grant_ref ref);
    bool mark_in_use(grant_ref ref, domid_t user, const active_entry& active, bool read_only, gfn_t& gfn);
    void clear_unused(grant_ref ref, const active_entry& active);
    bool exchange32(std::byte* word, std::uint32_t& expected, std::uint32_t desired);

    machine_memory& m_memory;
    domid_t m_owner;
    std::uint32_t m_max_frames;
    std::vector<mfn_t> m_frames;
    std::vector<active_entry> m_active;
    std::uint32_t m_total_pins = 0;
};

}  // namespace vtwin::xen
