// The server's end of one domain's XenStore ring: a byte stream each way through one granted page.
// Source: xen/include/public/io/xs_wire.h (struct xenstore_domain_interface).
#pragma once

#include <optional>
#include <vector>

#include "hypervisor/service/service_mapping.h"
#include "hypervisor/xenstore/xs_wire.h"

namespace vtwin::xen {

/// The page belongs to a guest: every index is copied once and checked before it is used.
class ring_channel {
  public:
    /// Maps grant reference 1 of the domain and announces the server's features. False when it is not
    /// granted.
    bool open(machine& host, domid_t domid);

    enum class input : std::uint8_t { none, message, broken };
    /// Takes bytes off the request ring until a message is complete or the ring is empty. After `broken` the
    /// error field is set and the ring is not looked at again. `progress` becomes true when bytes were taken.
    input pull(xs_message& message, bool& progress);

    /// Bytes waiting for room in the response ring: nothing else may be handed over meanwhile.
    bool sending() const { return m_sent < m_out.size(); }
    void send(const xs_message& message);
    /// Moves waiting bytes into the response ring. True when the guest has to be notified.
    bool flush();

    bool broken() const { return m_broken; }

  private:
    std::uint32_t read_index(std::size_t at) const;
    void write_index(std::size_t at, std::uint32_t value);
    std::size_t take(std::vector<std::byte>& into, std::size_t want);
    void fail(xs_ring::error_code code);

    service_mapping m_page;
    std::vector<std::byte> m_in;   ///< what has arrived of the current message
    std::vector<std::byte> m_out;  ///< the message that is being sent
    std::size_t m_sent = 0;
    bool m_broken = false;
};

}  // namespace vtwin::xen
