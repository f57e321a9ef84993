// The shared pages between tpmfront and tpmback, seen from outside: every store to them, decoded.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <span>
#include <systemc>

#include "hypervisor/memory/machine_memory.h"
#include "traces/ports.h"

namespace vtwin::trace {

/// vtpm_shared_page of xen/include/public/io/tpmif.h, octet 4.
enum class ring_state : std::uint8_t { idle = 0, submit = 1, finish = 2, cancel = 3 };

/// A ring's header and packet header after a store that changed them.
struct ring_change {
    sc_core::sc_time at;
    xen::domid_t frontend{}, backend{};
    ring_state state{};
    bool state_stored = false;  ///< the state octet was stored, or is SUBMIT when the page appears
    std::uint32_t length = 0;
    std::uint8_t locality = 0;
    std::uint16_t tag = 0;   ///< of the packet in the page
    std::uint32_t code = 0;  ///< its ordinal or result
    std::span<const std::byte>
        packet;              ///< as long as the length says and the page goes; valid during the call
    std::uint64_t life = 0;  ///< counts the pages that were mapped
};

/// A TPM back end (vTPM or manager) maps nothing but its frontends' rings: every page that it maps is watched
/// from then on until it is unmapped.
class ring_watch {
  public:
    using listener = std::function<void(const ring_change&)>;

    ring_watch(xen::machine_memory& memory, listener on_change)
        : m_memory(memory), m_listener(std::move(on_change)) {}
    ~ring_watch();
    ring_watch(const ring_watch&) = delete;
    ring_watch& operator=(const ring_watch&) = delete;

    void mapped(xen::domid_t backend, xen::domid_t frontend, xen::mfn_t frame);
    void unmapped(xen::mfn_t frame);

  private:
    struct ring {
        xen::domid_t frontend{}, backend{};
        xen::machine_memory::watch_id watch{};
        std::uint64_t life = 0;
        std::array<std::byte, xen::page_size> page{};  ///< contents as the stores left them
    };
    void stored(ring& where, const xen::frame_write& what);
    void report(const ring& where, bool state_stored);

    xen::machine_memory& m_memory;
    listener m_listener;
    std::map<xen::mfn_t, ring> m_rings;
    std::uint64_t m_lives = 0;
};

}  // namespace vtwin::trace
