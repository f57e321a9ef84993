// Test bench for the hypervisor: a machine and domains whose software is a function, run as a thread at each
// boot.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "hypervisor/bytes.h"
#include "hypervisor/domain_instance.h"
#include "hypervisor/event/event_channels.h"
#include "hypervisor/grant/grant_table.h"
#include "hypervisor/machine.h"

namespace vtwin::xen::test {

using sc_core::sc_time;
using sc_core::sc_time_stamp;

inline sc_time us(double value) {
    return {value, sc_core::SC_US};
}
inline sc_time ms(double value) {
    return {value, sc_core::SC_MS};
}

constexpr evtchn_port port(std::uint32_t number) {
    return evtchn_port{number};
}

/// Costs that tell each other apart in a sum.
inline cost_profile distinct_costs() {
    cost_profile costs;
    costs.hypercall = us(1);
    costs.grant_map = us(10);
    costs.grant_unmap = us(20);
    costs.grant_copy = us(30);
    costs.grant_copy_per_byte = sc_time(1, sc_core::SC_NS);
    costs.evtchn_op = us(2);
    costs.evtchn_send = us(3);
    costs.upcall_running = us(100);
    costs.upcall_blocked = us(1000);
    costs.context_switch = us(10000);
    costs.timeslice = ms(30);
    costs.ratelimit = ms(1);
    costs.mmio_access = us(5);
    return costs;
}

/// A domain's software, and shortcuts to its ports.
class guest {
  public:
    using program = std::function<void(guest&)>;
    guest(domain& of, program body) : m_domain(of) {
        if (!body)
            return;
        of.on_boot([this, body = std::move(body)](const start_info&) {
            sc_core::sc_spawn([this, body] {
                try {
                    body(*this);
                    m_domain.vcpu->block(std::nullopt);
                    for (;;)
                        m_domain.vcpu->block(std::nullopt);
                } catch (const domain_stopped&) {
                    ++stops;
                }
            });
        });
    }

    domain& dom() { return m_domain; }
    domid_t id() const { return m_domain.domid(); }
    hypercall_if& call() { return *m_domain.hypercall.operator->(); }
    memory_if& memory() { return *m_domain.memory.operator->(); }
    vcpu_if& cpu() { return *m_domain.vcpu.operator->(); }

    /// Offers an own page: writes a v1 entry into the table frames as software would.
    void grant(grant_ref ref, domid_t to, gfn_t gfn, bool read_only = false) {
        auto& table = m_domain.life()->grants;
        table.set_entry(ref, static_cast<std::uint16_t>(gtf::permit_access | (read_only ? gtf::readonly : 0)),
                        to, gfn);
    }
    std::uint16_t flags(grant_ref ref) { return m_domain.life()->grants.flags(ref); }

    gnttab_map_grant_ref map(domid_t granter, grant_ref ref,
                             std::uint32_t flags = gnttab_map_grant_ref::host_map) {
        gnttab_map_grant_ref op{.flags = flags, .ref = ref, .dom = granter};
        call().grant_map({&op, 1});
        return op;
    }
    gntst unmap(guest_addr at, grant_handle handle, std::uint64_t dev_bus_addr = 0) {
        gnttab_unmap_grant_ref op{.host_addr = at, .handle = handle, .dev_bus_addr = dev_bus_addr};
        call().grant_unmap({&op, 1});
        return op.status;
    }

    template <typename T>
    T load(guest_addr at) {
        std::array<std::byte, sizeof(T)> word{};
        if (!memory().read(at, word))
            throw std::runtime_error("page fault");
        return load_le<T>(word.data());
    }
    template <typename T>
    bool store(guest_addr at, T value) {
        std::array<std::byte, sizeof(T)> word{};
        store_le<T>(word.data(), value);
        return memory().write(at, word);
    }

    /// The dispatch loop of a PV kernel: handlers by port, lowest first.
    std::map<std::uint32_t, std::function<void()>> handlers;
    void take_upcalls() {
        cpu().set_upcall([this] { dispatch(); });
    }
    int stops = 0;

  private:
    void dispatch() {
        const auto info = m_domain.info().shared_info;
        store<std::uint8_t>(info + shared_info_layout::upcall_pending, 0);
        auto selector = load<std::uint64_t>(info + shared_info_layout::pending_sel);
        store<std::uint64_t>(info + shared_info_layout::pending_sel, 0);
        for (; selector != 0; selector &= selector - 1) {
            const auto word = static_cast<std::uint32_t>(__builtin_ctzll(selector));
            const auto pending = info + shared_info_layout::evtchn_pending + 8 * word;
            const auto mask = info + shared_info_layout::evtchn_mask + 8 * word;
            while (const auto due = load<std::uint64_t>(pending) & ~load<std::uint64_t>(mask)) {
                const auto bit = static_cast<std::uint32_t>(__builtin_ctzll(due));
                store<std::uint64_t>(pending, load<std::uint64_t>(pending) & ~(std::uint64_t{1} << bit));
                if (const auto it = handlers.find(64 * word + bit); it != handlers.end())
                    it->second();
            }
        }
    }
    domain& m_domain;
};

/// Domain params with a few pages.
inline domain_params small(std::uint32_t weight = 256) {
    domain_params params;
    params.label = "system_u:system_r:domU_t";
    params.nr_pages = 16;
    params.weight = weight;
    return params;
}
inline domain_params small_dom0() {
    auto params = small();
    params.label = "system_u:system_r:dom0_t";
    params.privileged = true;
    return params;
}

inline gfn_t page(std::uint64_t number) {
    return gfn_t{number};
}
inline constexpr grant_ref ref(std::uint32_t number) {
    return grant_ref{number};
}

}  // namespace vtwin::xen::test
