#include "hypervisor/memory/machine_memory.h"

#include <cstring>

namespace vtwin::xen {

mfn_t machine_memory::allocate(domid_t owner) {
    mfn_t frame;
    if (m_free.empty()) {
        frame = mfn_t{m_frames.size()};
        m_frames.emplace_back();
    } else {
        frame = m_free.back();
        m_free.pop_back();
    }
    auto& state = m_frames[index(frame)];
    state.owner = owner;
    state.references = 1;
    ++m_allocated;
    return frame;
}

void machine_memory::release(mfn_t frame) {
    auto& state = m_frames[index(frame)];
    sc_assert(state.references > 0);
    if (--state.references > 0)
        return;
    state.data.reset();
    state.owner = domid_invalid;
    m_free.push_back(frame);
    --m_allocated;
}

std::byte* machine_memory::touch(mfn_t frame) {
    auto& state = m_frames[index(frame)];
    state.data = std::make_unique<std::byte[]>(page_size);
    return state.data.get();
}

void machine_memory::read(mfn_t frame, std::size_t offset, std::span<std::byte> out) {
    std::memcpy(out.data(), page(frame) + offset, out.size());
}

void machine_memory::write(mfn_t frame, domid_t writer, std::size_t offset, std::span<const std::byte> data) {
    std::memcpy(page(frame) + offset, data.data(), data.size());
    if (m_frames[index(frame)].watched)
        tell({frame, writer, offset, data});
}

machine_memory::watch_id machine_memory::watch(mfn_t frame, observer on_write) {
    m_frames[index(frame)].watched = true;
    m_watches.emplace(std::pair{frame, ++m_last_watch}, std::move(on_write));
    return m_last_watch;
}

void machine_memory::unwatch(watch_id id) {
    for (auto it = m_watches.begin(); it != m_watches.end(); ++it) {
        if (it->first.second != id)
            continue;
        const mfn_t frame = it->first.first;
        m_watches.erase(it);
        const auto rest = m_watches.lower_bound({frame, 0});
        m_frames[index(frame)].watched = rest != m_watches.end() && rest->first.first == frame;
        return;
    }
}

void machine_memory::tell(const frame_write& what) {
    // An observer may take its own watch away: step on before calling.
    auto it = m_watches.lower_bound({what.frame, 0});
    while (it != m_watches.end() && it->first.first == what.frame) {
        const auto current = it++;
        const observer on_write = current->second;
        on_write(what);
    }
}

}  // namespace vtwin::xen
