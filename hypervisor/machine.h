// One physical machine that runs Xen: its frames, physical CPUs, domains, and what crosses between the
// domains.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <functional>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "hypervisor/costs.h"
#include "hypervisor/domain.h"
#include "hypervisor/memory/machine_memory.h"
#include "hypervisor/observation.h"
#include "hypervisor/ports.h"

namespace vtwin::xen {

class event_fabric;
class grant_broker;
class pcpu_pool;

/// What a security policy may be asked. Subject and object are the labels of two domains.
enum class xsm_operation : std::uint8_t {
    grant_map,
    grant_unmap,
    grant_copy,
    event_create,
    event_bind,
    event_send
};
using xsm_policy = std::function<bool(std::string_view subject, std::string_view object, xsm_operation)>;

struct machine_params {
    std::uint32_t pcpus = 1;
    std::string scheduler = "credit";  ///< "credit" or "round_robin"
    cost_profile costs;
    bool xsm = true;              ///< FLASK: domains have labels that others may ask for
    xsm_policy policy = nullptr;  ///< none: everything is allowed
};

class machine : public sc_core::sc_module {
  public:
    /// For devices in the chipset: TLM-2.0 blocking transport with delay annotation; may stay unbound. Each
    /// transaction has a mmio_origin.
    tlm_utils::simple_initiator_socket_optional<machine> mmio_socket;

    observation_port<evtchn_pending_change> pending;
    observation_port<vcpu_state_change> vcpu_states;
    observation_port<grant_map_change> grants;

    machine(sc_core::sc_module_name name, machine_params params);
    ~machine() override;

    /// During elaboration only: a powered-off domain, a child module of that name.
    domain& add_domain(const std::string& name, domain_params params);
    const std::vector<std::unique_ptr<domain>>& domains() const { return m_domains; }

    /// XEN_DOMCTL_createdomain and what the domain builder does: assigns the next domid (0 to the first
    /// privileged domain, others count up from 1 and are never reused), memory, start_info, grant table with
    /// its two reserved entries granted to dom0, XenStore's event channel. The domain stays paused. Takes no
    /// simulated time: the toolstack pays cost_profile::domain_create. A domain that has shut down is
    /// destroyed first.
    domid_t create(domain& which, std::string command_line);
    /// XEN_DOMCTL_pausedomain: its vCPU gets no physical CPU any more. Pauses nest: as many unpauses let it
    /// run again. False when it has not been created or has stopped.
    bool pause(domain& which);
    /// XEN_DOMCTL_unpausedomain. When no pause is left its vCPU may run; the first time this calls the
    /// domain's boot hook.
    void unpause(domain& which);
    /// Both.
    domid_t start(domain& which, std::string command_line);

    /// Memory that the slot's next domain is created with: enough for the start of day at least.
    void set_memory(domain& which, std::uint32_t nr_pages);

    /// Stops the vCPU; memory, grants and channels stay until destroy. No effect unless created.
    void shutdown(domain& which, shutdown_reason reason);
    /// XEN_DOMCTL_destroydomain: releases the mappings that the domain holds, its channels and its memory, in
    /// that order. Pages that others still map live on; until they are let go the domid stays known (a
    /// zombie).
    void destroy(domain& which);

    /// Called after a domain has shut down or crashed (with its reason) and after it was destroyed
    /// (`destroyed`); several may be added, they run in the order of their adding.
    void on_stopped(std::function<void(domain&, shutdown_reason)> callback);

    /// The domain that has this id now, powered on; nullptr otherwise.
    domain* find(domid_t id) const;
    bool is_zombie(domid_t id) const;

    const cost_profile& costs() const { return m_params.costs; }
    bool xsm() const { return m_params.xsm; }
    bool allows(std::string_view subject, std::string_view object, xsm_operation what) const {
        return !m_params.policy || m_params.policy(subject, object, what);
    }

    machine_memory& memory() { return m_memory; }
    pcpu_pool& cpus() { return *m_cpus; }
    event_fabric& events() { return *m_events; }
    grant_broker& grant_operations() { return *m_grants; }

    /// State of a domain's life by id, zombies included; nullptr when unknown or dead. For the hypervisor's
    /// own parts.
    domain_instance* instance(domid_t id) const;
    /// A mapping of `id`'s pages went away: ends a zombie that nobody holds any more.
    void reap(domid_t id);
    /// VIRQ_DOM_EXC to the domain that has bound it.
    void raise_dom_exc();

  private:
    void build(domain& which, domain_instance& life, std::string command_line);

    machine_params m_params;
    machine_memory m_memory;
    std::unique_ptr<pcpu_pool> m_cpus;
    std::unique_ptr<event_fabric> m_events;
    std::unique_ptr<grant_broker> m_grants;
    std::vector<std::unique_ptr<domain>> m_domains;
    std::vector<std::unique_ptr<domain_instance>> m_instances;  // by domid
    std::uint16_t m_next_domid = 1;
    std::vector<std::function<void(domain&, shutdown_reason)>> m_on_stopped;
};

}  // namespace vtwin::xen
