// Event channel operations: what happens between two domains, and how an event reaches its receiver.
#pragma once

#include <deque>
#include <systemc>

#include "hypervisor/ports.h"

namespace vtwin::xen {

class machine;
class service_port;
struct domain_instance;

/// EVTCHNOP_* without their costs: each function does its work at once and returns 0 or a negative errno.
/// Check order as xen/common/event_channel.c. A port opened with a `service` calls it instead of the guest.
class event_fabric {
  public:
    explicit event_fabric(machine& host) : m_host(host) {}

    int alloc_unbound(domain_instance& caller, domid_t dom, domid_t remote, evtchn_port& port,
                      service_port* service = nullptr);
    int bind_interdomain(domain_instance& caller, domid_t remote, evtchn_port remote_port, evtchn_port& local,
                         service_port* service = nullptr);
    int bind_virq(domain_instance& caller, virq which, evtchn_port& port, service_port* service = nullptr);
    int close(domain_instance& caller, evtchn_port port);
    int send(domain_instance& caller, evtchn_port port);
    int unmask(domain_instance& caller, evtchn_port port);
    int status(domain_instance& caller, domid_t dom, evtchn_port port, evtchn_status& out);
    int peer_label(domain_instance& caller, evtchn_port port, std::size_t capacity, std::string& label);

    void close_all(domain_instance& of);
    /// Raises a virtual interrupt; dropped when nobody has bound it.
    void raise_virq(domain_instance& to, virq which);
    /// Publishes pending bits that changed since the last call, to observers if there are any.
    void changed(domain_instance& of);

    /// Runs the services whose events are due; called by the machine's method process on service_event.
    void dispatch_services();
    sc_core::sc_event& service_event() { return m_service_due; }

  private:
    struct due_service {
        sc_core::sc_time at;
        domid_t dom;
        evtchn_port port;
        service_port* service;
    };
    void set_pending(domain_instance& to, evtchn_port port);
    void deliver(domain_instance& to, evtchn_port port);
    domain_instance* resolve(domain_instance& caller, domid_t dom) const;

    machine& m_host;
    sc_core::sc_event m_service_due;
    std::deque<due_service> m_due;  // in the order of their times: all wait equally long
};

}  // namespace vtwin::xen
