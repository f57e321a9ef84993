#include "models/vtpmmgr/management_commands.h"

#include <algorithm>

#include "models/domain_crash.h"

namespace vtwin::models::manager {

bytes management_commands::handle(connection& client, byte_view command) {
    if (!client.is_admin())
        return packet(tag::vtpm_rsp2, failed(status::authfail));
    reader in(command);
    in.view(6);
    const std::uint32_t ordinal = in.u32();
    switch (ordinal) {
        case mgmt_ordinal::group_list:
            return packet(tag::vtpm_rsp, group_list(in));
        case mgmt_ordinal::group_new:
            return packet(tag::vtpm_rsp, group_new(in));
        case mgmt_ordinal::group_del:
            return packet(tag::vtpm_rsp, group_del(in));
        case mgmt_ordinal::group_activate:
            return packet(tag::vtpm_rsp, group_activate(in));
        case mgmt_ordinal::group_register:
            return packet(tag::vtpm_rsp, group_register(in));
        case mgmt_ordinal::group_update:
            return packet(tag::vtpm_rsp, group_update(in));
        case mgmt_ordinal::group_show:
            return packet(tag::vtpm_rsp, group_show(in));
        case mgmt_ordinal::vtpm_list:
            return packet(tag::vtpm_rsp, vtpm_list(in));
        case mgmt_ordinal::vtpm_new:
            return packet(tag::vtpm_rsp, vtpm_new(in));
        case mgmt_ordinal::vtpm_del:
            return packet(tag::vtpm_rsp, vtpm_del(in));
        default:
            return packet(tag::vtpm_rsp2, failed(status::bad_ordinal));
    }
}

std::uint32_t management_commands::open_group(reader& in, std::shared_ptr<vtpm_group>& out,
                                              std::uint32_t& index) const {
    index = in.u32();
    if (!in.ok())
        return status::bad_parameter;
    out = m_context.group_at(index);
    if (out == nullptr)
        return status::bad_index;
    return out->is_open() ? status::success : status::authfail;
}

reply management_commands::vtpm_list(reader& in) {
    std::shared_ptr<vtpm_group> group;
    std::uint32_t index = 0;
    if (const std::uint32_t result = open_group(in, group, index); result != status::success)
        return failed(result);
    const std::uint32_t offset = in.u32();
    if (!in.ok())
        return failed(status::bad_parameter);  // trailing bytes are accepted here, and only here
    const std::size_t limit =
        m_context.faithful(behaviour::vtpmmgr_reply_exceeds_page) ? work_buffer : page_capacity;
    tpm::wire_writer out;
    out.u32(group->nr_vtpms);
    std::uint32_t place = 0;
    for (const vtpm_page& page : group->pages)
        for (const auto& record : page.records)
            if (place++ >= offset && packet_header + out.size() + record->uuid.size() <= limit)
                out.raw(record->uuid);
    return done(out.take());
}

reply management_commands::vtpm_new(reader& in) {
    std::shared_ptr<vtpm_group> group;
    std::uint32_t index = 0;
    if (const std::uint32_t result = open_group(in, group, index); result != status::success)
        return failed(result);
    if (in.remaining() != 0 && in.remaining() != 16)
        return failed(status::bad_parameter);
    const auto uuid = in.remaining() == 16 ? in.fixed<16>() : new_uuid(m_context.drbg);
    if (m_context.hardened(behaviour::vtpmmgr_duplicate_uuid_accepted) &&
        m_context.find(uuid).second != nullptr)
        return failed(status::fail);
    if (!group->can_append())
        throw domain_crash("vtpmmgr: record count does not fit the last page");
    auto record = std::make_shared<vtpm_record>();
    record->uuid = uuid;
    group->append(std::move(record));
    disk_writer::touch(*group);
    if (const std::uint32_t result = m_context.persist(sync_depth::sequence); result != status::success)
        return failed(result);
    return done(bytes(uuid.begin(), uuid.end()));
}

bool management_commands::is_bound(const vtpm_record& record) const {
    return std::any_of(m_context.connections.begin(), m_context.connections.end(),
                       [&](const auto& entry) { return entry.second->vtpm.get() == &record; });
}

reply management_commands::vtpm_del(reader& in) {
    const auto uuid = in.fixed<16>();
    if (!in.ok() || !in.at_end())
        return failed(status::bad_parameter);
    const auto [group, record] = m_context.find(uuid);
    if (record == nullptr || (record->flags & vtpm_record::open) != 0)
        return failed(status::fail);
    // Upstream frees a record that a connection is bound to without OPEN; the connection goes on with the
    // stale one (W-47), which here lives as long as it does.
    if (m_context.hardened(behaviour::vtpmmgr_vtpm_delete_frees_bound_record) && is_bound(*record))
        return failed(status::fail);
    if (!group->remove(record))
        throw domain_crash("vtpmmgr: deletion beyond the last page");
    if (m_context.faithful(behaviour::vtpmmgr_vtpm_delete_not_persisted))
        return done();  // the group stays clean: the next commit that changes it writes the deletion too
                        // (W-08)
    disk_writer::touch(*group);
    return failed(m_context.persist(sync_depth::sequence));
}

}  // namespace vtwin::models::manager
