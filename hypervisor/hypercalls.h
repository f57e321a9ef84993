// The hypercall page of one domain: charges each call to the vCPU, then has it done.
#pragma once

#include "hypervisor/ports.h"

namespace vtwin::xen {

class domain;
class machine;
struct domain_instance;

class hypercalls final : public hypercall_if {
  public:
    hypercalls(machine& host, domain& caller) : m_host(host), m_caller(caller) {}

    int grant_map(std::span<gnttab_map_grant_ref> ops) override;
    int grant_unmap(std::span<gnttab_unmap_grant_ref> ops) override;
    int grant_copy(std::span<gnttab_copy> ops) override;
    gntst grant_setup_table(std::uint32_t nr_frames, std::span<guest_addr> frames) override;
    int evtchn_alloc_unbound(domid_t dom, domid_t remote, evtchn_port& port) override;
    int evtchn_bind_interdomain(domid_t remote, evtchn_port remote_port, evtchn_port& local) override;
    int evtchn_bind_virq(virq which, evtchn_port& port) override;
    int evtchn_close(evtchn_port port) override;
    int evtchn_send(evtchn_port port) override;
    int evtchn_unmask(evtchn_port port) override;
    int evtchn_get_status(domid_t dom, evtchn_port port, evtchn_status& out) override;
    void shutdown(shutdown_reason reason) override;
    int xsm_peer_label(evtchn_port port, std::size_t capacity, std::string& label) override;

  private:
    /// Charges and, in a thread, waits until it is paid. Throws domain_stopped.
    void spend(const sc_core::sc_time& cost);
    domain_instance& life() const;

    machine& m_host;
    domain& m_caller;
};

}  // namespace vtwin::xen
