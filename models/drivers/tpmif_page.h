// The page that a TPM frontend shares with its backend, protocol version 2. Source: public/io/tpmif.h.
#pragma once

#include <cstdint>

#include "models/kernel/kernel.h"

namespace vtwin::models {

/// Who stores what: the frontend 1 and 3, the backend 0 and 2.
enum class tpmif_state : std::uint8_t { idle = 0, submit = 1, finish = 2, cancel = 3 };

/// The page as one side sees it. Every function is one access of its own, visible to the other side at once;
/// a page that is not mapped (any more) is a page fault.
class tpmif_page {
  public:
    static constexpr std::uint64_t length_at = 0, state_at = 4, locality_at = 5, pad_at = 6,
                                   extra_pages_at = 7, header_size = 8;

    tpmif_page() = default;
    tpmif_page(kernel& owner, xen::guest_addr at) : m_kernel(&owner), m_at(at) {}

    std::uint32_t length() const { return m_kernel->read_u32(m_at + length_at); }
    void set_length(std::uint32_t value) const { m_kernel->write_u32(m_at + length_at, value); }
    std::uint8_t raw_state() const { return m_kernel->read_u8(m_at + state_at); }
    tpmif_state state() const { return static_cast<tpmif_state>(raw_state()); }
    void set_state(tpmif_state value) const {
        m_kernel->write_u8(m_at + state_at, static_cast<std::uint8_t>(value));
    }
    std::uint8_t locality() const { return m_kernel->read_u8(m_at + locality_at); }
    void set_locality(std::uint8_t value) const { m_kernel->write_u8(m_at + locality_at, value); }
    std::uint8_t extra_pages() const { return m_kernel->read_u8(m_at + extra_pages_at); }
    /// Where the packet starts: behind the structure (8 bytes) and the list of extra pages.
    std::uint32_t data_offset() const { return static_cast<std::uint32_t>(header_size + 4u * extra_pages()); }

    void copy_in(std::uint32_t offset, std::span<std::byte> out) const {
        m_kernel->copy_in(m_at + offset, out);
    }
    void copy_out(std::uint32_t offset, byte_view data) const { m_kernel->copy_out(m_at + offset, data); }

  private:
    kernel* m_kernel = nullptr;
    xen::guest_addr m_at{};
};

}  // namespace vtwin::models
