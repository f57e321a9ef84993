// A guest's own side of its version 1 grant table: choosing references, opening and ending access.
// Source: public/grant_table.h (entry layout and the granter's protocol); mini-os and Linux for the free
// lists.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "hypervisor/types.h"

namespace vtwin::models {

class kernel;
enum class kernel_flavour : std::uint8_t;

class grant_table {
  public:
    static constexpr std::uint32_t entries_per_frame = 512, entry_size = 8, reserved_refs = 8;
    static constexpr std::uint16_t permit_access = 1, readonly = 4, reading = 8, writing = 0x10;
    static constexpr std::uint32_t mini_os_frames = 4;  ///< table frames that mini-os sets up, for ever
    static constexpr std::uint32_t linux_max_frames = 64;
    static constexpr std::size_t deferred_per_tick = 10;  ///< Linux: entries tried per tick of one second

    explicit grant_table(kernel& owner) : m_kernel(owner) {}
    /// Maps the table and fills the free list: mini-os hands out 2047 first, Linux 8 first; both reuse the
    /// reference freed last.
    void set_up();
    void reset();

    /// Grants `remote` the use of an own page. nullopt: no free reference.
    std::optional<xen::grant_ref> grant_access(xen::domid_t remote, xen::gfn_t page, bool read_only = false);
    /// Ends access. False: the peer still has the page mapped; the reference stays taken (mini-os leaks it).
    [[nodiscard]] bool end_access(xen::grant_ref ref);
    /// Linux: ends access, or tries again every second until the peer has let go; the page is freed with it.
    void end_access_deferred(xen::grant_ref ref, std::optional<xen::gfn_t> page);

    std::size_t in_use() const { return m_in_use; }
    std::size_t deferred() const { return m_deferred.size(); }

  private:
    struct deferred_entry {
        xen::grant_ref ref;
        std::optional<xen::gfn_t> page;
    };
    xen::guest_addr entry(xen::grant_ref ref) const;
    bool grow();
    void retry_deferred();

    kernel& m_kernel;
    std::vector<xen::guest_addr> m_frames;
    std::vector<std::uint32_t> m_free;  ///< taken from the back
    std::deque<deferred_entry> m_deferred;
    std::size_t m_in_use = 0;
    bool m_timer_armed = false;
};

}  // namespace vtwin::models
