// What stands on a domain's hypercall port: wire "<domain>.hypercall".
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hypervisor/ports.h"
#include "scenarios/faults/hypervisor_view.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

/// One hypercall, or one entry of a batch, while effects may change it.
struct hypercall_access {
    std::string_view operation;
    const hypervisor_view& where;
    xen::domain& caller;

    // what it is about; null or 0 where the operation has no such thing
    xen::gnttab_map_grant_ref* map = nullptr;
    xen::gnttab_unmap_grant_ref* unmap = nullptr;
    xen::gnttab_copy* copy = nullptr;
    xen::evtchn_port port{};

    bool skipped = false;  ///< is not made; its cost is paid all the same, then the caller gets `result`
    int result = 0;        ///< negative errno, or a gntst of grant_setup_table; once made, what it gave
    /// To be done when the call has been made or its cost been paid, before the caller goes on.
    std::vector<std::function<void(hypercall_access&)>> after = {};

    void skip(int with) {
        skipped = true;
        result = with;
    }
};

class hypercall_effect : public fault_effect {
  public:
    virtual void act(hypercall_access& access) = 0;
};

class hypercall_tap final : public xen::hypercall_if {
  public:
    hypercall_tap(hypervisor_view& where, std::string domain, wire& on, xen::hypercall_if& inner)
        : m_where(where), m_name(std::move(domain)), m_wire(on), m_inner(inner) {}

    int grant_map(std::span<xen::gnttab_map_grant_ref> ops) override;
    int grant_unmap(std::span<xen::gnttab_unmap_grant_ref> ops) override;
    int grant_copy(std::span<xen::gnttab_copy> ops) override;
    xen::gntst grant_setup_table(std::uint32_t nr_frames, std::span<xen::guest_addr> frames) override;
    int evtchn_alloc_unbound(xen::domid_t dom, xen::domid_t remote, xen::evtchn_port& port) override;
    int evtchn_bind_interdomain(xen::domid_t remote, xen::evtchn_port remote_port,
                                xen::evtchn_port& local) override;
    int evtchn_bind_virq(xen::virq which, xen::evtchn_port& port) override;
    int evtchn_close(xen::evtchn_port port) override;
    int evtchn_send(xen::evtchn_port port) override;
    int evtchn_unmask(xen::evtchn_port port) override;
    int evtchn_get_status(xen::domid_t dom, xen::evtchn_port port, xen::evtchn_status& out) override;
    void shutdown(xen::shutdown_reason reason) override;
    int xsm_peer_label(xen::evtchn_port port, std::size_t capacity, std::string& label) override;

  private:
    using effects = std::vector<fault_effect*>;
    using cost_function = sc_core::sc_time (*)(const xen::cost_profile&);
    xen::domain& self();
    void put_peer(crossing& what, xen::domid_t peer) const;
    crossing describe(const xen::gnttab_map_grant_ref& op);
    crossing describe(const xen::gnttab_unmap_grant_ref& op);
    crossing describe(const xen::gnttab_copy& op);
    crossing on_port(std::string_view operation, xen::evtchn_port port);
    void pay(const sc_core::sc_time& cost);

    /// A call that is one crossing. `prepare` tells the access what the call is about.
    template <typename Call>
    int one(const crossing& what, xen::evtchn_port port, cost_function cost, Call call);
    template <typename Call>
    int perform(hypercall_access& access, const effects& acting, cost_function cost, Call call);
    /// A batch, one crossing per entry; entries on which nobody acts stay together.
    template <typename Op>
    int batch(std::span<Op> ops, int (xen::hypercall_if::*call)(std::span<Op>), Op* hypercall_access::*entry,
              cost_function cost);

    hypervisor_view& m_where;
    std::string m_name;
    wire& m_wire;
    xen::hypercall_if& m_inner;
    xen::domain* m_domain = nullptr;  ///< looked up at the first use
};

}  // namespace vtwin::scenario
