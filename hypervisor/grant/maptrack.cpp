#include "hypervisor/grant/maptrack.h"

#include <algorithm>
#include <systemc>

namespace vtwin::xen {

std::optional<grant_handle> maptrack::take() {
    if (m_head == m_tail)  // empty, or only the tail sentinel is left
        return grow();
    const auto handle = m_head;
    m_head = m_entries[handle].next;
    return grant_handle{handle};
}

std::optional<grant_handle> maptrack::grow() {
    const auto first = size();
    if (first / per_frame >= m_max_frames)
        return std::nullopt;
    m_entries.resize(first + per_frame);
    const auto last = size() - 1;
    for (auto i = first; i < last; ++i)
        m_entries[i].next = i + 1;
    m_entries[last].next = m_head;
    m_head = first + 1;
    if (m_tail == none)
        m_tail = last;
    return grant_handle{first};
}

void maptrack::give_back(grant_handle handle) {
    const auto index = to_underlying(handle);
    sc_assert(index < size());
    m_entries[index] = {};
    m_entries[m_tail].next = index;
    m_tail = index;
}

grant_mapping* maptrack::find(grant_handle handle) {
    const auto index = to_underlying(handle);
    return index < size() && m_entries[index].mapping.in_use() ? &m_entries[index].mapping : nullptr;
}

std::uint32_t maptrack::live() const {
    return static_cast<std::uint32_t>(
        std::count_if(m_entries.begin(), m_entries.end(), [](const entry& e) { return e.mapping.in_use(); }));
}

}  // namespace vtwin::xen
