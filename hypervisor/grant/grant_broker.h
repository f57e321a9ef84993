// Grant operations: what happens between a mapper and a granter.
#pragma once

#include <span>

#include "hypervisor/grant/grant_table.h"
#include "hypervisor/ports.h"

namespace vtwin::xen {

class machine;
struct domain_instance;

/// GNTTABOP_* without their costs: each function does its work at once. Check order as
/// xen/common/grant_table.c.
class grant_broker {
  public:
    static constexpr std::size_t unmap_batch = 32;

    explicit grant_broker(machine& host) : m_host(host) {}

    void map(domain_instance& mapper, gnttab_map_grant_ref& op);
    /// At most unmap_batch entries: all lose their access before any in-use bit is cleared.
    void unmap(domain_instance& mapper, std::span<gnttab_unmap_grant_ref> ops);
    void copy(domain_instance& caller, gnttab_copy& op);
    gntst setup_table(domain_instance& caller, std::uint32_t nr_frames, std::span<guest_addr> frames);

    /// For services without an address space: a host mapping that appears at no address.
    gntst map_for_service(domain_instance& mapper, domid_t granter, grant_ref ref, bool read_only,
                          grant_handle& handle, mfn_t& frame);
    void unmap_for_service(domain_instance& mapper, grant_handle handle);

    /// The first step of a domain's destruction.
    void release_all(domain_instance& mapper);

  private:
    struct copy_buffer {
        mfn_t frame{};
        domain_instance* granter = nullptr;  // when claimed through a grant
        grant_ref ref{};
        pin_request what;
    };
    struct completion {
        domid_t granter{};
        grant_ref ref{};
        pin_request what;
        mfn_t frame{};
    };
    gntst acquire(domain_instance& mapper, domid_t granter, grant_ref ref, pin_request what,
                  grant_handle& handle, mfn_t& frame);
    gntst drop(domain_instance& mapper, const gnttab_unmap_grant_ref& op, completion& done);
    void complete(domain_instance& mapper, const completion& done);
    gntst copy_side(domain_instance& caller, const gnttab_copy::side& side, bool by_ref,
                    domain_instance*& owner);
    gntst claim(domain_instance& caller, const gnttab_copy::side& side, bool by_ref, domain_instance& owner,
                bool read_only, copy_buffer& out);
    void unclaim(const copy_buffer& buffer);
    void publish(domid_t mapper, domid_t granter, grant_ref ref, mfn_t frame, bool mapped);

    machine& m_host;
};

}  // namespace vtwin::xen
