// The machine's page frames: contents, owner, references, observers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "hypervisor/ports.h"
#include "hypervisor/types.h"

namespace vtwin::xen {

/// Frames are numbered from 1; their 4096 bytes come into being, zeroed, at the first touch. A frame belongs
/// to its owner until the last reference is gone: the owner holds one, every grant mapping holds one more.
class machine_memory {
  public:
    using observer = std::function<void(const frame_write&)>;
    using watch_id = std::uint64_t;

    mfn_t allocate(domid_t owner);
    domid_t owner(mfn_t frame) const { return m_frames[index(frame)].owner; }
    std::uint32_t references(mfn_t frame) const { return m_frames[index(frame)].references; }
    void acquire(mfn_t frame) { ++m_frames[index(frame)].references; }
    /// Drops one reference; with the last one the frame is wiped and may be allocated again.
    void release(mfn_t frame);

    /// Contents of a frame, valid until its last release. Stores made through the pointer are not observed.
    std::byte* page(mfn_t frame) {
        auto& data = m_frames[index(frame)].data;
        return data ? data.get() : touch(frame);
    }
    void read(mfn_t frame, std::size_t offset, std::span<std::byte> out);
    void write(mfn_t frame, domid_t writer, std::size_t offset, std::span<const std::byte> data);

    /// Calls `on_write` after each store by software to the frame; costs other frames nothing.
    /// The watch stays until unwatch, whoever owns the frame.
    watch_id watch(mfn_t frame, observer on_write);
    void unwatch(watch_id id);

    std::size_t allocated() const { return m_allocated; }  ///< frames that have an owner

  private:
    struct frame_state {
        std::unique_ptr<std::byte[]> data;
        std::uint32_t references = 0;
        domid_t owner = domid_invalid;
        bool watched = false;
    };
    static std::size_t index(mfn_t frame) { return static_cast<std::size_t>(to_underlying(frame)); }
    std::byte* touch(mfn_t frame);
    void tell(const frame_write& what);

    std::vector<frame_state> m_frames = std::vector<frame_state>(1);  // frame 0 is never handed out
    std::vector<mfn_t> m_free;
    std::size_t m_allocated = 0;
    std::map<std::pair<mfn_t, watch_id>, observer> m_watches;
    watch_id m_last_watch = 0;
};

}  // namespace vtwin::xen
