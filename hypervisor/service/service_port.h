// Event channels of services that run in dom0 without a guest kernel (xenstored, blkback).
#pragma once

#include <functional>

#include "hypervisor/ports.h"

namespace vtwin::xen {

class machine;
struct domain_instance;

/// One port of dom0 whose events call a function instead of a guest's upcall, cost_profile::upcall_running
/// after they were raised. Events raised meanwhile coalesce. The function runs in a method process: it must
/// not wait, but may notify, and close or destroy the port. All checks, states and peers are those of any
/// event channel; dom0 has to be created first.
class service_port {
  public:
    service_port(machine& host, std::function<void()> on_event);
    ~service_port();
    service_port(const service_port&) = delete;
    service_port& operator=(const service_port&) = delete;

    /// Each returns 0 or a negative errno as the hypercall would, at once and without cost. A port that is
    /// open is closed first.
    int alloc_unbound(domid_t remote);
    int bind_interdomain(domid_t remote, evtchn_port remote_port);  ///< is pending from the start
    int bind_virq(virq which);
    int send();
    void close();

    bool is_open() const { return m_port != evtchn_port{}; }
    evtchn_port port() const { return m_port; }
    evtchn_status status() const;

  private:
    friend class event_fabric;
    int open(const std::function<int(domain_instance&, evtchn_port&)>& operation);

    machine& m_host;
    std::function<void()> m_on_event;
    evtchn_port m_port{};
};

}  // namespace vtwin::xen
