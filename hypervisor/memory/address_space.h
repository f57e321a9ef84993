// What one domain's software can address: its own pages and, above them, pages mapped from elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "hypervisor/memory/machine_memory.h"

namespace vtwin::xen {

/// Own pages lie at gfn * 4096 and get a machine frame at the first touch. Foreign pages occupy the lowest
/// free page above them. The space holds no reference for foreign pages: whoever maps them does.
class address_space {
  public:
    address_space(machine_memory& memory, domid_t owner, std::uint32_t nr_pages);
    address_space(const address_space&) = delete;
    address_space& operator=(const address_space&) = delete;

    std::uint32_t nr_pages() const { return static_cast<std::uint32_t>(m_own.size()); }
    /// Frame behind an own page; nullopt when the number lies outside the domain's memory.
    std::optional<mfn_t> own_frame(gfn_t gfn);

    /// Frame that an access to this address reaches; nullopt: nothing is mapped there, or it is an own page
    /// that was never touched. For observers: changes nothing.
    std::optional<mfn_t> frame_at(guest_addr at) const;

    guest_addr map_foreign(mfn_t frame, bool writable);
    /// True when exactly this frame is mapped at `at` with these rights.
    bool maps_foreign(guest_addr at, mfn_t frame, bool writable) const;
    void unmap_foreign(guest_addr at);

    /// Accesses may cross pages; they transfer all or nothing. False is a page fault.
    bool read(guest_addr from, std::span<std::byte> out);
    bool write(guest_addr to, std::span<const std::byte> data);
    /// False also when `at` is not aligned to 2.
    bool compare_exchange16(guest_addr at, std::uint16_t& expected, std::uint16_t desired);

    /// Gives up all own pages (each lives on while someone else holds a reference) and all mappings.
    void relinquish();

  private:
    struct foreign_page {
        mfn_t frame{};
        bool writable = false;
        bool mapped = false;
    };
    struct located {
        mfn_t frame{};
        bool valid = false;
    };
    located locate(std::uint64_t page, bool for_write);
    bool reachable(guest_addr at, std::size_t size, bool for_write);

    machine_memory& m_memory;
    domid_t m_owner;
    std::vector<std::uint32_t> m_own;     // frame number, 0 before the first touch
    std::vector<foreign_page> m_foreign;  // page nr_pages() + index
    std::set<std::size_t> m_free_foreign;
};

}  // namespace vtwin::xen
