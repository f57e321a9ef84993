#include "models/kernel/grant_table.h"

#include "models/kernel/kernel.h"

namespace vtwin::models {

using xen::grant_ref;

namespace {

sc_core::sc_time deferred_tick() {
    return {1, sc_core::SC_SEC};
}  // Linux: HZ jiffies

}  // namespace

void grant_table::reset() {
    m_frames.clear();
    m_free.clear();
    m_deferred.clear();
    m_in_use = 0;
    m_timer_armed = false;
}

void grant_table::set_up() {
    const bool mini_os = m_kernel.flavour() == kernel_flavour::mini_os;
    m_frames.resize(mini_os ? mini_os_frames : 1);
    if (m_kernel.ports.hypercall->grant_setup_table(static_cast<std::uint32_t>(m_frames.size()), m_frames) !=
        xen::gntst::okay) {
        m_kernel.panic("no grant table");
    }
    const auto entries = static_cast<std::uint32_t>(m_frames.size() * entries_per_frame);
    for (std::uint32_t i = reserved_refs; i < entries; ++i) {
        m_free.push_back(mini_os ? i : entries - 1 - (i - reserved_refs));
    }
}

// Linux asks for one more frame when the free list is empty.
bool grant_table::grow() {
    if (m_kernel.flavour() == kernel_flavour::mini_os || m_frames.size() >= linux_max_frames) {
        return false;
    }
    std::vector<xen::guest_addr> frames(m_frames.size() + 1);
    if (m_kernel.ports.hypercall->grant_setup_table(static_cast<std::uint32_t>(frames.size()), frames) !=
        xen::gntst::okay) {
        return false;
    }
    const auto first = static_cast<std::uint32_t>(m_frames.size() * entries_per_frame);
    m_frames = std::move(frames);
    for (std::uint32_t i = entries_per_frame; i-- > 0;) {
        m_free.push_back(first + i);
    }
    return true;
}

xen::guest_addr grant_table::entry(grant_ref ref) const {
    const std::uint32_t index = xen::to_underlying(ref);
    return m_frames.at(index / entries_per_frame) + (index % entries_per_frame) * entry_size;
}

std::optional<grant_ref> grant_table::grant_access(xen::domid_t remote, xen::gfn_t page, bool read_only) {
    if (m_free.empty() && !grow()) {
        return std::nullopt;
    }
    const grant_ref ref{m_free.back()};
    m_free.pop_back();
    ++m_in_use;
    // The flags make the entry live, so they come last.
    m_kernel.write_u16(entry(ref) + 2, xen::to_underlying(remote));
    m_kernel.write_u32(entry(ref) + 4, static_cast<std::uint32_t>(xen::to_underlying(page)));
    m_kernel.write_u16(entry(ref), static_cast<std::uint16_t>(permit_access | (read_only ? readonly : 0)));
    return ref;
}

bool grant_table::end_access(grant_ref ref) {
    std::uint16_t flags = m_kernel.read_u16(entry(ref));
    while (true) {
        if ((flags & (reading | writing)) != 0) {
            return false;
        }
        const std::uint16_t seen = flags;
        if (!m_kernel.ports.memory->compare_exchange16(entry(ref), flags, 0)) {
            m_kernel.panic("page fault on the grant table");
        }
        if (flags == seen) {
            break;
        }
    }
    m_free.push_back(xen::to_underlying(ref));
    --m_in_use;
    return true;
}

void grant_table::end_access_deferred(grant_ref ref, std::optional<xen::gfn_t> page) {
    if (end_access(ref)) {
        if (page) {
            m_kernel.free_page(*page);
        }
        return;
    }
    m_deferred.push_back({ref, page});
    if (!m_timer_armed) {
        m_timer_armed = true;
        m_kernel.call_after(deferred_tick(), [this] { retry_deferred(); });
    }
}

void grant_table::retry_deferred() {
    m_timer_armed = false;
    const std::size_t tries = std::min(deferred_per_tick, m_deferred.size());
    for (std::size_t i = 0; i < tries; ++i) {
        const deferred_entry entry = m_deferred.front();
        m_deferred.pop_front();
        if (!end_access(entry.ref)) {
            m_deferred.push_back(entry);
        } else if (entry.page) {
            m_kernel.free_page(*entry.page);
        }
    }
    if (!m_deferred.empty()) {
        m_timer_armed = true;
        m_kernel.call_after(deferred_tick(), [this] { retry_deferred(); });
    }
}

}  // namespace vtwin::models
