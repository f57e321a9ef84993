// Granted pages as services in dom0 map them, without a guest address space.
#pragma once

#include "hypervisor/ports.h"

namespace vtwin::xen {

class machine;

/// One grant mapping held by dom0, with every check, pin and in-use bit of a mapping by hypercall. Movable;
/// unmaps when destroyed. Costs no simulated time: the service pays its own.
class service_mapping {
  public:
    service_mapping() = default;
    ~service_mapping() { unmap(); }
    service_mapping(service_mapping&& other) noexcept;
    service_mapping& operator=(service_mapping&& other) noexcept;

    /// Maps; an older mapping of this object is unmapped first.
    gntst map(machine& host, domid_t granter, grant_ref ref, bool read_only);
    void unmap();
    bool mapped() const { return m_host != nullptr; }
    mfn_t frame() const { return m_frame; }

    /// Both assert that the mapping exists, that offset + size <= 4096, and that a written page is writable.
    void read(std::size_t offset, std::span<std::byte> out) const;
    void write(std::size_t offset, std::span<const std::byte> data);

  private:
    machine* m_host = nullptr;
    grant_handle m_handle{};
    mfn_t m_frame{};
    bool m_writable = false;
};

}  // namespace vtwin::xen
