#include "hypervisor/event/event_fabric.h"

#include "hypervisor/domain_instance.h"
#include "hypervisor/machine.h"
#include "hypervisor/sched/virtual_cpu.h"
#include "hypervisor/service/service_port.h"

namespace vtwin::xen {

using kind = evtchn_status::kind;

namespace {
constexpr int fail(errno_t code) {
    return -to_underlying(code);
}
}  // namespace

domain_instance* event_fabric::resolve(domain_instance& caller, domid_t dom) const {
    return dom == domid_self ? &caller : m_host.instance(dom);
}

int event_fabric::alloc_unbound(domain_instance& caller, domid_t dom, domid_t remote, evtchn_port& port,
                                service_port* service) {
    auto* const owner = resolve(caller, dom);
    if (owner == nullptr)
        return fail(errno_t::esrch);
    if (owner->dying)
        return fail(errno_t::einval);
    const auto free = owner->events.take();
    if (!free)
        return fail(errno_t::enospc);
    if ((owner != &caller && !caller.privileged) ||
        !m_host.allows(caller.label, owner->label, xsm_operation::event_create))
        return fail(errno_t::eperm);
    *owner->events.find(*free) = {
        kind::unbound, remote == domid_self ? caller.domid : remote, {}, {}, service};
    port = *free;
    return 0;
}

int event_fabric::bind_interdomain(domain_instance& caller, domid_t remote, evtchn_port remote_port,
                                   evtchn_port& local, service_port* service) {
    auto* const peer = resolve(caller, remote);
    if (peer == nullptr)
        return fail(errno_t::esrch);
    if (caller.dying)
        return fail(errno_t::einval);
    const auto free = caller.events.take();
    if (!free)
        return fail(errno_t::enospc);
    auto* const other = peer->events.find(remote_port);
    if (other == nullptr || other->state != kind::unbound || other->remote != caller.domid)
        return fail(errno_t::einval);
    if (!m_host.allows(caller.label, peer->label, xsm_operation::event_bind))
        return fail(errno_t::eperm);
    // `take` may have moved the table that `other` points into when a domain binds to itself.
    *caller.events.find(*free) = {kind::interdomain, peer->domid, remote_port, {}, service};
    auto* const end = peer->events.find(remote_port);
    end->state = kind::interdomain;
    end->remote = caller.domid;
    end->remote_port = *free;
    local = *free;
    // Events sent while the other end was unbound were dropped: the binder has to look once.
    set_pending(caller, local);
    return 0;
}

int event_fabric::bind_virq(domain_instance& caller, virq which, evtchn_port& port, service_port* service) {
    constexpr std::uint32_t nr_virqs = 24;
    if (to_underlying(which) >= nr_virqs)
        return fail(errno_t::einval);
    if (which == virq::dom_exc && !caller.privileged)
        return fail(errno_t::ebusy);  // global, held by the domain of the XenStore
    if (caller.events.bound_virq(which))
        return fail(errno_t::eexist);
    if (caller.dying)
        return fail(errno_t::einval);
    const auto free = caller.events.take();
    if (!free)
        return fail(errno_t::enospc);
    *caller.events.find(*free) = {kind::virq, {}, {}, which, service};
    port = *free;
    return 0;
}

int event_fabric::close(domain_instance& caller, evtchn_port port) {
    auto* const channel = caller.events.in_use(port);
    if (channel == nullptr)
        return fail(errno_t::einval);
    if (channel->state == kind::interdomain) {
        auto* const peer = m_host.instance(channel->remote);
        sc_assert(peer != nullptr);
        auto* const other = peer->events.find(channel->remote_port);
        sc_assert(other->state == kind::interdomain && other->remote_port == port);
        other->state = kind::unbound;  // reserved for us; the peer is not told
        other->remote_port = {};
    }
    const bool was_pending = caller.events.pending(port);
    caller.events.free(port);
    if (was_pending)
        changed(caller);
    return 0;
}

void event_fabric::close_all(domain_instance& of) {
    for (std::uint32_t port = 1; port < of.events.size(); ++port)
        if (of.events.in_use(evtchn_port{port}))
            close(of, evtchn_port{port});
}

int event_fabric::send(domain_instance& caller, evtchn_port port) {
    auto* const channel = caller.events.in_use(port);
    if (channel == nullptr)
        return fail(errno_t::einval);
    if (channel->state == kind::unbound)
        return 0;  // nobody there: dropped silently
    if (channel->state != kind::interdomain)
        return fail(errno_t::einval);
    auto* const peer = m_host.instance(channel->remote);
    sc_assert(peer != nullptr);
    if (!m_host.allows(caller.label, peer->label, xsm_operation::event_send))
        return fail(errno_t::eperm);
    set_pending(*peer, channel->remote_port);
    return 0;
}

int event_fabric::unmask(domain_instance& caller, evtchn_port port) {
    if (caller.events.find(port) == nullptr)
        return fail(errno_t::einval);
    if (caller.events.test_and_clear_mask(port) && caller.events.pending(port))
        deliver(caller, port);
    return 0;
}

int event_fabric::status(domain_instance& caller, domid_t dom, evtchn_port port, evtchn_status& out) {
    auto* const owner = resolve(caller, dom);
    if (owner == nullptr)
        return fail(errno_t::esrch);
    const auto* const channel = owner->events.find(port);
    if (channel == nullptr)
        return fail(errno_t::einval);
    if (owner != &caller && !caller.privileged)
        return fail(errno_t::eperm);
    out = {channel->state, 0, channel->remote, channel->remote_port};
    return 0;
}

int event_fabric::peer_label(domain_instance& caller, evtchn_port port, std::size_t capacity,
                             std::string& label) {
    if (!m_host.xsm())
        return fail(errno_t::enosys);
    const auto* const channel = caller.events.find(port);
    if (channel == nullptr || channel->state != kind::interdomain)
        return fail(errno_t::einval);
    const auto* const peer = m_host.instance(channel->remote);
    if (peer->label.size() + 1 > capacity)
        return fail(errno_t::erange);
    label = peer->label;
    return 0;
}

void event_fabric::raise_virq(domain_instance& to, virq which) {
    if (const auto port = to.events.bound_virq(which))
        set_pending(to, *port);
}

// The order of the steps is the interface: public/event_channel.h, evtchn_2l_set_pending.
void event_fabric::set_pending(domain_instance& to, evtchn_port port) {
    if (to.events.test_and_set_pending(port))
        return;
    changed(to);
    if (auto* const service = to.events.find(port)->service) {
        const auto delay = m_host.costs().upcall_running;
        if (m_due.empty())
            m_service_due.notify(delay);
        m_due.push_back({sc_core::sc_time_stamp() + delay, to.domid, port, service});
        return;
    }
    if (!to.events.masked(port))
        deliver(to, port);
}

void event_fabric::deliver(domain_instance& to, evtchn_port port) {
    if (to.events.test_and_set_selector(port))
        return;
    to.events.set_upcall_pending();
    to.slot.cpu().event_raised();
}

void event_fabric::dispatch_services() {
    const auto now = sc_core::sc_time_stamp();
    while (!m_due.empty() && m_due.front().at <= now) {
        const auto due = m_due.front();
        m_due.pop_front();
        auto* const owner = m_host.instance(due.dom);
        auto* const channel = owner != nullptr ? owner->events.find(due.port) : nullptr;
        // Closed or opened anew since: its pending bit went with it.
        if (channel == nullptr || channel->service != due.service ||
            !owner->events.test_and_clear_pending(due.port))
            continue;
        changed(*owner);
        const auto on_event = due.service->m_on_event;  // may destroy its port
        on_event();
    }
    if (!m_due.empty())
        m_service_due.notify(m_due.front().at - now);
}

void event_fabric::changed(domain_instance& of) {
    if (!m_host.pending.observed())
        return;
    of.events.each_change([&](evtchn_port port, bool pending) {
        m_host.pending.publish({of.domid, port, pending});
    });
}

}  // namespace vtwin::xen
