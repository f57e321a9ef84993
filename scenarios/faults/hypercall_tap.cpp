#include "scenarios/faults/hypercall_tap.h"

#include "hypervisor/sched/virtual_cpu.h"

namespace vtwin::scenario {

using sc_core::sc_time;
using xen::cost_profile;

namespace {

/// As hypervisor/hypercalls.cpp charges an operation on event channels.
sc_time channel_cost(const cost_profile& costs) {
    return costs.hypercall + costs.evtchn_op;
}
sc_time send_cost(const cost_profile& costs) {
    return costs.hypercall + costs.evtchn_send;
}
sc_time plain_cost(const cost_profile& costs) {
    return costs.hypercall;
}

}  // namespace

xen::domain& hypercall_tap::self() {
    if (m_domain == nullptr)
        m_domain = m_where.find(m_name);
    sc_assert(m_domain != nullptr);  // faults are armed once the machine is known
    return *m_domain;
}

// ---- what the crossings say

void hypercall_tap::put_peer(crossing& what, xen::domid_t peer) const {
    if (const auto& name = m_where.name_of(peer); !name.empty())
        what.put(field::peer, name);
}

crossing hypercall_tap::describe(const xen::gnttab_map_grant_ref& op) {
    crossing what("grant_map");
    if (m_wire.watched()) {
        put_peer(what, op.dom);
        what.put(field::ref, xen::to_underlying(op.ref));
    }
    return what;
}

crossing hypercall_tap::describe(const xen::gnttab_unmap_grant_ref& op) {
    crossing what("grant_unmap");
    auto* const life = m_wire.watched() ? self().life() : nullptr;
    const auto* const mapping = life != nullptr ? life->maps.find(op.handle) : nullptr;
    if (mapping != nullptr) {
        put_peer(what, mapping->granter);
        what.put(field::ref, xen::to_underlying(mapping->ref));
    }
    return what;
}

crossing hypercall_tap::describe(const xen::gnttab_copy& op) {
    crossing what("grant_copy");
    const bool from_other = (op.flags & xen::gnttab_copy::source_gref) != 0;
    if (m_wire.watched() && (from_other || (op.flags & xen::gnttab_copy::dest_gref) != 0)) {
        const auto& other = from_other ? op.source : op.dest;
        put_peer(what, other.domid);
        what.put(field::ref, xen::to_underlying(other.ref));
    }
    return what;
}

crossing hypercall_tap::on_port(std::string_view operation, xen::evtchn_port port) {
    crossing what(operation);
    if (!m_wire.watched())
        return what;
    what.put(field::port, xen::to_underlying(port));
    auto* const life = self().life();
    const auto* const channel = life != nullptr ? life->events.in_use(port) : nullptr;
    using kind = xen::evtchn_status::kind;
    if (channel != nullptr && (channel->state == kind::interdomain || channel->state == kind::unbound))
        put_peer(what, channel->remote);
    return what;
}

// ---- calls

/// As a hypercall charges: in a thread the time passes before the effect.
void hypercall_tap::pay(const sc_time& cost) {
    auto& cpu = self().cpu();
    if (cpu.stopped())
        throw xen::domain_stopped{};
    cpu.charge(cost);
    if (!cpu.in_upcall())
        cpu.sync();
}

template <typename Call>
int hypercall_tap::perform(hypercall_access& access, const effects& acting, cost_function cost, Call call) {
    for (auto* each : acting)
        static_cast<hypercall_effect*>(each)->act(access);
    if (access.skipped)
        pay(cost(m_where.host().costs()));
    else
        access.result = call();
    for (const auto& each : access.after)
        each(access);
    return access.result;
}

template <typename Call>
int hypercall_tap::one(const crossing& what, xen::evtchn_port port, cost_function cost, Call call) {
    const auto found = m_wire.cross(what);
    if (found.empty())
        return call();
    const effects acting(found.begin(), found.end());
    hypercall_access access{
        .operation = what.find(field::operation)->text, .where = m_where, .caller = self(), .port = port};
    return perform(access, acting, cost, call);
}

template <typename Op>
int hypercall_tap::batch(std::span<Op> ops, int (xen::hypercall_if::*call)(std::span<Op>),
                         Op* hypercall_access::*entry, cost_function cost) {
    std::size_t done = 0;
    for (std::size_t i = 0; i < ops.size(); ++i) {
        const auto what = describe(ops[i]);
        const auto found = m_wire.cross(what);
        if (found.empty())
            continue;
        const effects acting(found.begin(), found.end());
        hypercall_access access{
            .operation = what.find(field::operation)->text, .where = m_where, .caller = self()};
        access.*entry = &ops[i];
        if (done < i)
            (m_inner.*call)(ops.subspan(done, i - done));
        perform(access, acting, cost, [&] { return (m_inner.*call)(ops.subspan(i, 1)); });
        done = i + 1;
    }
    return done < ops.size() || ops.empty() ? (m_inner.*call)(ops.subspan(done)) : 0;
}

int hypercall_tap::grant_map(std::span<xen::gnttab_map_grant_ref> ops) {
    return batch(ops, &xen::hypercall_if::grant_map, &hypercall_access::map,
                 [](const cost_profile& costs) { return costs.hypercall + costs.grant_map; });
}

int hypercall_tap::grant_unmap(std::span<xen::gnttab_unmap_grant_ref> ops) {
    return batch(ops, &xen::hypercall_if::grant_unmap, &hypercall_access::unmap,
                 [](const cost_profile& costs) { return costs.hypercall + costs.grant_unmap; });
}

int hypercall_tap::grant_copy(std::span<xen::gnttab_copy> ops) {
    return batch(ops, &xen::hypercall_if::grant_copy, &hypercall_access::copy,
                 [](const cost_profile& costs) { return costs.hypercall + costs.grant_copy; });
}

xen::gntst hypercall_tap::grant_setup_table(std::uint32_t nr_frames, std::span<xen::guest_addr> frames) {
    const int status = one(crossing("grant_setup_table"), {}, plain_cost,
                           [&] { return static_cast<int>(m_inner.grant_setup_table(nr_frames, frames)); });
    return static_cast<xen::gntst>(status);
}

int hypercall_tap::evtchn_alloc_unbound(xen::domid_t dom, xen::domid_t remote, xen::evtchn_port& port) {
    crossing what("evtchn_alloc_unbound");
    if (m_wire.watched())
        put_peer(what, remote);
    return one(what, {}, channel_cost, [&] { return m_inner.evtchn_alloc_unbound(dom, remote, port); });
}

int hypercall_tap::evtchn_bind_interdomain(xen::domid_t remote, xen::evtchn_port remote_port,
                                           xen::evtchn_port& local) {
    crossing what("evtchn_bind_interdomain");
    if (m_wire.watched()) {
        put_peer(what, remote);
        what.put(field::port, xen::to_underlying(remote_port));
    }
    return one(what, remote_port, channel_cost,
               [&] { return m_inner.evtchn_bind_interdomain(remote, remote_port, local); });
}

int hypercall_tap::evtchn_bind_virq(xen::virq which, xen::evtchn_port& port) {
    return one(crossing("evtchn_bind_virq"), {}, channel_cost,
               [&] { return m_inner.evtchn_bind_virq(which, port); });
}

int hypercall_tap::evtchn_close(xen::evtchn_port port) {
    return one(on_port("evtchn_close", port), port, channel_cost, [&] { return m_inner.evtchn_close(port); });
}

int hypercall_tap::evtchn_send(xen::evtchn_port port) {
    return one(on_port("evtchn_send", port), port, send_cost, [&] { return m_inner.evtchn_send(port); });
}

int hypercall_tap::evtchn_unmask(xen::evtchn_port port) {
    return one(on_port("evtchn_unmask", port), port, channel_cost,
               [&] { return m_inner.evtchn_unmask(port); });
}

int hypercall_tap::evtchn_get_status(xen::domid_t dom, xen::evtchn_port port, xen::evtchn_status& out) {
    return one(on_port("evtchn_get_status", port), port, channel_cost,
               [&] { return m_inner.evtchn_get_status(dom, port, out); });
}

void hypercall_tap::shutdown(xen::shutdown_reason reason) {
    one(crossing("shutdown"), {}, plain_cost, [&] {
        m_inner.shutdown(reason);
        return 0;
    });
}

int hypercall_tap::xsm_peer_label(xen::evtchn_port port, std::size_t capacity, std::string& label) {
    return one(on_port("xsm_peer_label", port), port, plain_cost,
               [&] { return m_inner.xsm_peer_label(port, capacity, label); });
}

}  // namespace vtwin::scenario
