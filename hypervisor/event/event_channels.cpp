#include "hypervisor/event/event_channels.h"

#include <algorithm>

namespace vtwin::xen {

event_channels::event_channels(std::uint32_t max_port)
    : m_max_port(std::min<std::uint32_t>(max_port, layout::ports - 1)) {}

std::optional<evtchn_port> event_channels::take() {
    for (auto port = m_first_free; port <= m_max_port; ++port) {
        if (port >= m_ports.size())
            m_ports.resize(m_ports.size() + bucket);
        if (m_ports[port].state != evtchn_status::kind::closed)
            continue;
        m_first_free = port;
        return evtchn_port{port};
    }
    return std::nullopt;
}

void event_channels::free(evtchn_port port) {
    m_ports[to_underlying(port)] = {};
    test_and_clear_pending(port);
    m_first_free = std::min(m_first_free, to_underlying(port));
}

event_channel* event_channels::find(evtchn_port port) {
    return to_underlying(port) < m_ports.size() ? &m_ports[to_underlying(port)] : nullptr;
}

event_channel* event_channels::in_use(evtchn_port port) {
    auto* const channel = find(port);
    return channel != nullptr && channel->state != evtchn_status::kind::closed ? channel : nullptr;
}

std::optional<evtchn_port> event_channels::bound_virq(virq which) const {
    for (std::uint32_t port = 1; port < m_ports.size(); ++port)
        if (m_ports[port].state == evtchn_status::kind::virq && m_ports[port].which == which)
            return evtchn_port{port};
    return std::nullopt;
}

bool event_channels::test_and_set_selector(evtchn_port port) {
    return test_and_set(m_info + layout::pending_sel, std::uint64_t{1} << (to_underlying(port) / 64));
}

bool event_channels::pending(evtchn_port port) const {
    return (load(pending_word(port)) & bit(port)) != 0;
}
bool event_channels::masked(evtchn_port port) const {
    return (load(mask_word(port)) & bit(port)) != 0;
}

bool event_channels::test_and_set(std::byte* word, std::uint64_t bit) {
    const auto old = load_le<std::uint64_t>(word);
    store_le<std::uint64_t>(word, old | bit);
    return (old & bit) != 0;
}

bool event_channels::test_and_clear(std::byte* word, std::uint64_t bit) {
    const auto old = load_le<std::uint64_t>(word);
    store_le<std::uint64_t>(word, old & ~bit);
    return (old & bit) != 0;
}

}  // namespace vtwin::xen
