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

int service_port::open(const std::function<int(domain_instance&, evtchn_port&)>& operation) {
    close();
    auto* const home = m_host.instance(dom0);
    return home == nullptr ? -to_underlying(errno_t::esrch) : operation(*home, m_port);
}

int service_port::alloc_unbound(domid_t remote) {
    return open([&](domain_instance& home, evtchn_port& port) {
        return m_host.events().alloc_unbound(home, domid_self, remote, port, this);
    });
}

int service_port::bind_interdomain(domid_t remote, evtchn_port remote_port) {
    return open([&](domain_instance& home, evtchn_port& port) {
        return m_host.events().bind_interdomain(home, remote, remote_port, port, this);
    });
}

int service_port::bind_virq(virq which) {
    return open([&](domain_instance& home, evtchn_port& port) {
        return m_host.events().bind_virq(home, which, port, this);
    });
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
