// What stands on a domain's memory port: wire "<domain>.memory", and the ends of the rings "<front>.ring"
// that the domain shares.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/ports.h"
#include "scenarios/faults/hypervisor_view.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// Where an access lies in a tpmif page.
struct ring_place {
    std::shared_ptr<ring_page> page;
    bool front = false;      ///< the frontend's access
    std::size_t offset = 0;  ///< in the page
};
/// "length", "state", "locality", "pad", "extra_pages", "data" (behind the 8 bytes of the header), "page"
/// when it is more than one of them.
std::string_view member_at(std::size_t offset, std::size_t length);

/// One load, store or exchange, while effects may change it.
struct memory_access {
    enum class what : std::uint8_t { load, store, exchange };
    what operation{};
    xen::guest_addr at{};
    /// Load: what the domain will see. Store: what will be stored. Exchange: the new value (2 bytes).
    std::span<std::byte> data;
    const hypervisor_view& where;
    xen::domain* domain = nullptr;  ///< nullptr in a machine that has no such domain
    ring_place ring = {};           ///< `page` is empty on a memory wire

    bool lost = false;       ///< store, exchange: is not made, and looks as if it had been
    bool faulted = false;    ///< page fault
    std::size_t stored = 0;  ///< store: bytes, from the first, that reach memory
    std::vector<std::function<void()>> after = {};  ///< to be done once the access has been made
};

/// Effects of the classes memory and ring.
class memory_effect : public fault_effect {
  public:
    virtual void act(memory_access& access) = 0;
};

class memory_tap final : public xen::memory_if {
  public:
    /// `on` is null when only rings are wanted.
    memory_tap(hypervisor_view& where, std::string domain, wire* on, xen::memory_if& inner)
        : m_where(where), m_name(std::move(domain)), m_wire(on), m_inner(inner) {}

    bool read(xen::guest_addr from, std::span<std::byte> out) override;
    bool write(xen::guest_addr to, std::span<const std::byte> data) override;
    bool compare_exchange16(xen::guest_addr at, std::uint16_t& expected, std::uint16_t desired) override;

  private:
    using effects = std::vector<fault_effect*>;
    void look_up();
    ring_place ring_at(xen::guest_addr at, std::size_t length);
    void cross_memory(std::string_view operation, xen::guest_addr at, std::size_t length, effects& acting);
    void cross_ring(std::string_view operation, const ring_place& place, std::span<const std::byte> data,
                    effects& acting);
    void apply(memory_access& access, const ring_place& ring, const effects& memory, const effects& on_ring);

    hypervisor_view& m_where;
    std::string m_name;
    wire* m_wire;
    xen::memory_if& m_inner;
    xen::domain* m_domain = nullptr;
    bool m_known = false;  ///< m_domain and m_rings were looked up
    bool m_rings = false;  ///< it is an end of a wanted ring
};

}  // namespace vtwin::scenario
