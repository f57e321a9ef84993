#include "hypervisor/hypercalls.h"

#include <algorithm>

#include "hypervisor/domain_instance.h"
#include "hypervisor/event/event_fabric.h"
#include "hypervisor/grant/grant_broker.h"
#include "hypervisor/machine.h"
#include "hypervisor/sched/virtual_cpu.h"

namespace vtwin::xen {

using sc_core::sc_time;

void hypercalls::spend(const sc_time& cost) {
    auto& cpu = m_caller.cpu();
    if (cpu.stopped())
        throw domain_stopped{};
    cpu.charge(cost);
    if (!cpu.in_upcall())
        cpu.sync();
}

domain_instance& hypercalls::life() const {
    if (m_caller.life() == nullptr)
        throw domain_stopped{};
    return *m_caller.life();
}

// Each entry is a step of its own: other domains run in between.
int hypercalls::grant_map(std::span<gnttab_map_grant_ref> ops) {
    m_caller.cpu().charge(m_host.costs().hypercall);
    for (auto& op : ops) {
        spend(m_host.costs().grant_map);
        m_host.grant_operations().map(life(), op);
    }
    if (ops.empty())
        spend(sc_core::SC_ZERO_TIME);
    return 0;
}

int hypercalls::grant_unmap(std::span<gnttab_unmap_grant_ref> ops) {
    spend(m_host.costs().hypercall);
    while (!ops.empty()) {
        const auto batch = ops.first(std::min(ops.size(), grant_broker::unmap_batch));
        ops = ops.subspan(batch.size());
        spend(m_host.costs().grant_unmap * static_cast<double>(batch.size()));
        m_host.grant_operations().unmap(life(), batch);
    }
    return 0;
}

int hypercalls::grant_copy(std::span<gnttab_copy> ops) {
    m_caller.cpu().charge(m_host.costs().hypercall);
    for (auto& op : ops) {
        spend(m_host.costs().grant_copy + m_host.costs().grant_copy_per_byte * static_cast<double>(op.len));
        m_host.grant_operations().copy(life(), op);
    }
    if (ops.empty())
        spend(sc_core::SC_ZERO_TIME);
    return 0;
}

gntst hypercalls::grant_setup_table(std::uint32_t nr_frames, std::span<guest_addr> frames) {
    spend(m_host.costs().hypercall);
    return m_host.grant_operations().setup_table(life(), nr_frames, frames);
}

int hypercalls::evtchn_alloc_unbound(domid_t dom, domid_t remote, evtchn_port& port) {
    spend(m_host.costs().hypercall + m_host.costs().evtchn_op);
    return m_host.events().alloc_unbound(life(), dom, remote, port);
}

int hypercalls::evtchn_bind_interdomain(domid_t remote, evtchn_port remote_port, evtchn_port& local) {
    spend(m_host.costs().hypercall + m_host.costs().evtchn_op);
    return m_host.events().bind_interdomain(life(), remote, remote_port, local);
}

int hypercalls::evtchn_bind_virq(virq which, evtchn_port& port) {
    spend(m_host.costs().hypercall + m_host.costs().evtchn_op);
    return m_host.events().bind_virq(life(), which, port);
}

int hypercalls::evtchn_close(evtchn_port port) {
    spend(m_host.costs().hypercall + m_host.costs().evtchn_op);
    return m_host.events().close(life(), port);
}

int hypercalls::evtchn_send(evtchn_port port) {
    spend(m_host.costs().hypercall + m_host.costs().evtchn_send);
    return m_host.events().send(life(), port);
}

int hypercalls::evtchn_unmask(evtchn_port port) {
    spend(m_host.costs().hypercall + m_host.costs().evtchn_op);
    return m_host.events().unmask(life(), port);
}

int hypercalls::evtchn_get_status(domid_t dom, evtchn_port port, evtchn_status& out) {
    spend(m_host.costs().hypercall + m_host.costs().evtchn_op);
    return m_host.events().status(life(), dom, port, out);
}

void hypercalls::shutdown(shutdown_reason reason) {
    spend(m_host.costs().hypercall);
    const bool in_upcall = m_caller.cpu().in_upcall();
    m_host.shutdown(m_caller, reason);
    if (!in_upcall)
        throw domain_stopped{};  // SCHEDOP_shutdown does not return
}

int hypercalls::xsm_peer_label(evtchn_port port, std::size_t capacity, std::string& label) {
    spend(m_host.costs().hypercall);
    return m_host.events().peer_label(life(), port, capacity, label);
}

}  // namespace vtwin::xen
