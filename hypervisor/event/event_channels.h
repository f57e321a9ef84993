// One domain's event channels: its port table and the two-level bits in its shared_info page.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hypervisor/bytes.h"
#include "hypervisor/ports.h"
#include "hypervisor/types.h"

namespace vtwin::xen {

class service_port;

/// Offsets in the shared_info page (x86-64, public/xen.h); vcpu_info of vCPU 0 lies at 0.
struct shared_info_layout {
    static constexpr std::size_t upcall_pending = 0, upcall_mask = 1, pending_sel = 8, evtchn_pending = 0x800,
                                 evtchn_mask = 0xA00, words = 64, ports = 64 * 64;
};

struct event_channel {
    evtchn_status::kind state = evtchn_status::kind::closed;
    domid_t remote{};                 ///< unbound: reserved for; interdomain: peer
    evtchn_port remote_port{};        ///< interdomain
    virq which{};                     ///< virq
    service_port* service = nullptr;  ///< events go to this service, not to the guest
};

class event_channels {
  public:
    static constexpr std::uint32_t bucket = 64;  ///< port structures are allocated by that many

    explicit event_channels(std::uint32_t max_port);

    /// The page must outlive this table.
    void attach(std::byte* shared_info) { m_info = shared_info; }

    /// Lowest free port from 1 on; nullopt above the domain's limit. The caller has to give it a state.
    std::optional<evtchn_port> take();
    void free(evtchn_port port);              ///< FREE; pending cleared, mask left as it is
    event_channel* find(evtchn_port port);    ///< nullptr beyond the buckets allocated so far
    event_channel* in_use(evtchn_port port);  ///< nullptr unless bound or unbound
    std::uint32_t size() const { return static_cast<std::uint32_t>(m_ports.size()); }
    std::optional<evtchn_port> bound_virq(virq which) const;

    // the bits
    bool test_and_set_pending(evtchn_port port) { return test_and_set(pending_word(port), bit(port)); }
    bool test_and_clear_mask(evtchn_port port) { return test_and_clear(mask_word(port), bit(port)); }
    bool test_and_set_selector(evtchn_port port);
    bool test_and_clear_pending(evtchn_port port) { return test_and_clear(pending_word(port), bit(port)); }
    bool pending(evtchn_port port) const;
    bool masked(evtchn_port port) const;
    void set_upcall_pending() { m_info[shared_info_layout::upcall_pending] = std::byte{1}; }

    /// Calls f(port, now_pending) for each pending bit that differs from the last look. For observers.
    template <typename F>
    void each_change(F&& f);

  private:
    using layout = shared_info_layout;
    static std::uint64_t bit(evtchn_port port) { return std::uint64_t{1} << (to_underlying(port) % 64); }
    std::byte* pending_word(evtchn_port port) const {
        return m_info + layout::evtchn_pending + 8 * (to_underlying(port) / 64);
    }
    std::byte* mask_word(evtchn_port port) const {
        return m_info + layout::evtchn_mask + 8 * (to_underlying(port) / 64);
    }
    static std::uint64_t load(const std::byte* word) { return load_le<std::uint64_t>(word); }
    static bool test_and_set(std::byte* word, std::uint64_t bit);
    static bool test_and_clear(std::byte* word, std::uint64_t bit);

    std::uint32_t m_max_port;
    std::byte* m_info = nullptr;
    std::vector<event_channel> m_ports;
    std::vector<std::uint64_t> m_last_seen;  // pending words at the last each_change
    std::uint32_t m_first_free = 1;          // no lower port is free
};

template <typename F>
void event_channels::each_change(F&& f) {
    // Only ports that were ever allocated: this is called for every event.
    const auto words = std::min<std::uint32_t>(layout::words, (size() + 63) / 64);
    m_last_seen.resize(layout::words);
    for (std::uint32_t i = 0; i < words; ++i) {
        const auto now = load(m_info + layout::evtchn_pending + 8 * i);
        for (auto changed = now ^ m_last_seen[i]; changed != 0; changed &= changed - 1) {
            const auto index = static_cast<std::uint32_t>(__builtin_ctzll(changed));
            f(evtchn_port{64 * i + index}, (now >> index & 1) != 0);
        }
        m_last_seen[i] = now;
    }
}

}  // namespace vtwin::xen
