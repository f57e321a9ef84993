#include "hypervisor/service/service_port.h"

#include "hypervisor/domain_instance.h"
#include "hypervisor/event/event_fabric.h"
#include "hypervisor/machine.h"

namespace vtwin::xen {

service_port::service_port(machine& host, std::function<void()> on_event)
    : m_host(host), m_on_event(std::move(on_event)) {}

service_port::~service_port() {
    close();
}

int service_port::opened(int result, evtchn_port port) {
    if (result == 0)
        m_port = port;
    return result;
}

int service_port::alloc_unbound(domid_t remote) {
    close();
    auto* const home = m_host.instance(dom0);
    evtchn_port port{};
    return home == nullptr
               ? -to_underlying(errno_t::esrch)
               : opened(m_host.events().alloc_unbound(*home, domid_self, remote, port, this), port);
}

int service_port::bind_interdomain(domid_t remote, evtchn_port remote_port) {
    close();
    auto* const home = m_host.instance(dom0);
    evtchn_port port{};
    return home == nullptr
               ? -to_underlying(errno_t::esrch)
               : opened(m_host.events().bind_interdomain(*home, remote, remote_port, port, this), port);
}

int service_port::bind_virq(virq which) {
    close();
    auto* const home = m_host.instance(dom0);
    evtchn_port port{};
    return home == nullptr ? -to_underlying(errno_t::esrch)
                           : opened(m_host.events().bind_virq(*home, which, port, this), port);
}

int service_port::send() {
    auto* const home = m_host.instance(dom0);
    return home == nullptr ? -to_underlying(errno_t::esrch) : m_host.events().send(*home, m_port);
}

void service_port::close() {
    if (!is_open())
        return;
    // Dom0's own end closes its ports; the number may be someone else's by then.
    if (auto* const home = m_host.instance(dom0)) {
        auto* const channel = home->events.find(m_port);
        if (channel != nullptr && channel->service == this)
            m_host.events().close(*home, m_port);
    }
    m_port = {};
}

evtchn_status service_port::status() const {
    evtchn_status out;
    if (auto* const home = m_host.instance(dom0))
        m_host.events().status(*home, domid_self, m_port, out);
    return out;
}

}  // namespace vtwin::xen
