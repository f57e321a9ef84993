// Sees the pages that TPM frontends share with their backends: every store, decoded by own eyes.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "hypervisor/memory/machine_memory.h"
#include "scenarios/oracles/events.h"

namespace vtwin::scenario {

/// A backend of TPMs maps nothing but its frontends' rings: each page that it maps is one, until it lets go.
class ring_eyes {
  public:
    /// What is done with what is seen.
    struct listener {
        virtual ~listener() = default;
        virtual void ring(const seen::ring_page&) = 0;
        virtual void ring(const seen::page_state&) = 0;
        virtual void ring(const seen::foreign_store&) = 0;
        virtual void ring(const seen::submission&) = 0;
        virtual void ring(const seen::answer&) = 0;
    };
    using namer = std::function<const std::string&(xen::domid_t)>;

    ring_eyes(xen::machine_memory& memory, listener& who, namer name)
        : m_memory(memory), m_listener(who), m_name(std::move(name)) {}
    ~ring_eyes();
    ring_eyes(const ring_eyes&) = delete;
    ring_eyes& operator=(const ring_eyes&) = delete;

    void mapped(const xen::grant_map_change& what);
    void unmapped(const xen::grant_map_change& what);

  private:
    struct page {
        xen::mfn_t frame{};
        xen::domid_t front_id{}, back_id{};
        std::string front, back;
        std::uint32_t ref = 0;
        xen::machine_memory::watch_id watch = 0;
        std::uint8_t state = 0;
        seen::bytes request;  ///< of the last submission
    };
    void stored(page& where, const xen::frame_write& what);
    void submitted(page& where);
    void answered(page& where);
    tpm::byte_view packet(const page& where, std::uint32_t length) const;
    std::uint32_t length_of(const page& where) const;

    xen::machine_memory& m_memory;
    listener& m_listener;
    namer m_name;
    std::map<xen::mfn_t, page> m_pages;
};

}  // namespace vtwin::scenario
