#include "hypervisor/grant/grant_broker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "hypervisor/domain_instance.h"
#include "hypervisor/machine.h"

namespace vtwin::xen {

// Rows 3 to 13 of the map order; the handle is given back when a later row fails.
gntst grant_broker::acquire(domain_instance& mapper, domid_t granter, grant_ref ref, pin_request what,
                            grant_handle& handle, mfn_t& frame) {
    auto* const owner = m_host.instance(granter);
    if (owner == nullptr)
        return gntst::bad_domain;
    if (!m_host.allows(mapper.label, owner->label, xsm_operation::grant_map))
        return gntst::permission_denied;
    const auto taken = mapper.maps.take();
    if (!taken)
        return gntst::no_space;
    const auto status =
        owner->grants.pin(mapper.domid, ref, what, owner->dying ? nullptr : &owner->space, frame);
    if (status != gntst::okay) {
        mapper.maps.give_back(*taken);
        return status;
    }
    handle = *taken;
    mapper.maps.at(handle) = {granter, ref, what.host, what.device, what.read_only, guest_addr{}};
    publish(mapper.domid, granter, ref, frame, true);
    return gntst::okay;
}

void grant_broker::map(domain_instance& mapper, gnttab_map_grant_ref& op) {
    using m = gnttab_map_grant_ref;
    if ((op.flags & (m::host_map | m::device_map)) == 0) {
        op.status = gntst::bad_gntref;
        return;
    }
    const pin_request what{(op.flags & m::host_map) != 0, (op.flags & m::device_map) != 0,
                           (op.flags & m::read_only) != 0};
    mfn_t frame{};
    grant_handle handle{};
    op.status = acquire(mapper, op.dom, op.ref, what, handle, frame);
    if (op.status != gntst::okay)
        return;
    op.handle = handle;
    op.dev_bus_addr = to_underlying(frame) * page_size;
    if (what.host) {
        op.host_addr = mapper.space.map_foreign(frame, !what.read_only);
        mapper.maps.at(handle).at = op.host_addr;
    }
}

// Rows 1 to 7 of the unmap order: takes the access away; `done` says what the completion phase has to
// release.
gntst grant_broker::drop(domain_instance& mapper, const gnttab_unmap_grant_ref& op, completion& done) {
    auto* const mapping = mapper.maps.find(op.handle);
    if (mapping == nullptr)
        return gntst::bad_handle;
    auto* const owner = m_host.instance(mapping->granter);
    sc_assert(owner != nullptr);  // the mapped page keeps it known
    if (!m_host.allows(mapper.label, owner->label, xsm_operation::grant_unmap))
        return gntst::permission_denied;
    const auto frame = owner->grants.pinned_frame(mapping->ref);
    if (op.dev_bus_addr != 0 && op.dev_bus_addr != to_underlying(frame) * page_size)
        return gntst::bad_dev_addr;
    done = {mapping->granter, mapping->ref, {false, false, mapping->read_only}, frame};
    if (op.host_addr != guest_addr{} && mapping->host) {
        if (op.host_addr != mapping->at ||
            !mapper.space.maps_foreign(op.host_addr, frame, !mapping->read_only))
            return gntst::general_error;
        mapper.space.unmap_foreign(op.host_addr);
        mapping->host = false;
        done.what.host = true;
    }
    if (op.dev_bus_addr != 0 && mapping->device) {
        mapping->device = false;
        done.what.device = true;
    }
    if (!mapping->in_use())
        mapper.maps.give_back(op.handle);
    return gntst::okay;
}

void grant_broker::complete(domain_instance& mapper, const completion& done) {
    if (!done.what.host && !done.what.device)
        return;
    auto* const owner = m_host.instance(done.granter);
    owner->grants.unpin(done.ref, done.what);
    publish(mapper.domid, done.granter, done.ref, done.frame, false);
    m_host.reap(done.granter);
}

void grant_broker::unmap(domain_instance& mapper, std::span<gnttab_unmap_grant_ref> ops) {
    sc_assert(ops.size() <= unmap_batch);
    std::array<completion, unmap_batch> done{};
    for (std::size_t i = 0; i < ops.size(); ++i)
        ops[i].status = drop(mapper, ops[i], done[i]);
    for (std::size_t i = 0; i < ops.size(); ++i)
        complete(mapper, done[i]);
}

gntst grant_broker::map_for_service(domain_instance& mapper, domid_t granter, grant_ref ref, bool read_only,
                                    grant_handle& handle, mfn_t& frame) {
    return acquire(mapper, granter, ref, {true, false, read_only}, handle, frame);
}

void grant_broker::unmap_for_service(domain_instance& mapper, grant_handle handle) {
    auto* const mapping = mapper.maps.find(handle);
    sc_assert(mapping != nullptr);
    const auto frame = m_host.instance(mapping->granter)->grants.pinned_frame(mapping->ref);
    const completion done{mapping->granter, mapping->ref, {true, false, mapping->read_only}, frame};
    mapper.maps.give_back(handle);
    complete(mapper, done);
}

void grant_broker::release_all(domain_instance& mapper) {
    for (std::uint32_t i = 0; i < mapper.maps.size(); ++i) {
        auto* const mapping = mapper.maps.find(grant_handle{i});
        if (mapping == nullptr)
            continue;
        const auto frame = m_host.instance(mapping->granter)->grants.pinned_frame(mapping->ref);
        const completion done{
            mapping->granter, mapping->ref, {mapping->host, mapping->device, mapping->read_only}, frame};
        if (mapping->host && mapping->at != guest_addr{})
            mapper.space.unmap_foreign(mapping->at);
        mapper.maps.give_back(grant_handle{i});
        complete(mapper, done);
    }
}

gntst grant_broker::setup_table(domain_instance& caller, std::uint32_t nr_frames,
                                std::span<guest_addr> frames) {
    if (!caller.grants.grow(nr_frames))
        return gntst::general_error;
    if (frames.size() < nr_frames)
        return gntst::bad_virt_addr;
    while (caller.table_at.size() < nr_frames) {
        const auto next = static_cast<std::uint32_t>(caller.table_at.size());
        caller.table_at.push_back(caller.space.map_foreign(caller.grants.frame(next), true));
    }
    std::copy_n(caller.table_at.begin(), nr_frames, frames.begin());
    return gntst::okay;
}

// ---- copy -------------------------------------------------------------------------------------------------

gntst grant_broker::copy_side(domain_instance& caller, const gnttab_copy::side& side, bool by_ref,
                              domain_instance*& owner) {
    if (!by_ref && side.domid != domid_self)
        return gntst::permission_denied;
    owner = side.domid == domid_self ? &caller : m_host.instance(side.domid);
    return owner != nullptr ? gntst::okay : gntst::bad_domain;
}

gntst grant_broker::claim(domain_instance& caller, const gnttab_copy::side& side, bool by_ref,
                          domain_instance& owner, bool read_only, copy_buffer& out) {
    if (!by_ref) {
        const auto own = owner.space.own_frame(side.gfn);
        if (!own)
            return gntst::bad_page;
        out.frame = *own;
        return gntst::okay;
    }
    const pin_request what{true, false, read_only};
    const auto status =
        owner.grants.pin(caller.domid, side.ref, what, owner.dying ? nullptr : &owner.space, out.frame);
    if (status == gntst::okay) {
        out.granter = &owner;
        out.ref = side.ref;
        out.what = what;
    }
    return status;
}

void grant_broker::unclaim(const copy_buffer& buffer) {
    if (buffer.granter == nullptr)
        return;
    buffer.granter->grants.unpin(buffer.ref, buffer.what);
    m_host.reap(buffer.granter->domid);
}

void grant_broker::copy(domain_instance& caller, gnttab_copy& op) {
    op.status = gntst::okay;
    if (op.len == 0)
        return;
    const bool from_ref = op.flags & gnttab_copy::source_gref, to_ref = op.flags & gnttab_copy::dest_gref;
    domain_instance* from = nullptr;
    domain_instance* to = nullptr;
    if ((op.status = copy_side(caller, op.source, from_ref, from)) != gntst::okay ||
        (op.status = copy_side(caller, op.dest, to_ref, to)) != gntst::okay)
        return;
    if (!m_host.allows(from->label, to->label, xsm_operation::grant_copy)) {
        op.status = gntst::permission_denied;
        return;
    }
    copy_buffer source, dest;
    if ((op.status = claim(caller, op.source, from_ref, *from, true, source)) != gntst::okay)
        return;
    if ((op.status = claim(caller, op.dest, to_ref, *to, false, dest)) == gntst::okay) {
        if (op.source.offset + op.len > page_size || op.dest.offset + op.len > page_size) {
            op.status = gntst::bad_copy_arg;
        } else {
            std::array<std::byte, page_size> buffer;
            const auto data = std::span(buffer).first(op.len);
            m_host.memory().read(source.frame, op.source.offset, data);
            m_host.memory().write(dest.frame, caller.domid, op.dest.offset, data);
        }
        unclaim(dest);
    }
    unclaim(source);
}

void grant_broker::publish(domid_t mapper, domid_t granter, grant_ref ref, mfn_t frame, bool mapped) {
    if (m_host.grants.observed())
        m_host.grants.publish({mapper, granter, ref, frame, mapped});
}

}  // namespace vtwin::xen
