#include "models/vtpmmgr/vtpm_commands.h"

#include <algorithm>

#include "models/domain_crash.h"
#include "models/vtpmmgr/label.h"
#include "models/vtpmmgr/quote_hash.h"

namespace vtwin::models::manager {

namespace {

constexpr std::size_t key_size = 52;  // hash and key as vtpm-stubdom sends them

}  // namespace

bytes vtpm_commands::handle(connection& client, byte_view command) {
    tpm::wire_reader in(command);
    in.view(6);
    const std::uint32_t ordinal = in.u32();
    const byte_view body = command.subspan(packet_header);
    switch (ordinal) {
        case vtpm_ordinal::savehashkey:
            return packet(tag::vtpm_rsp, save_hash_key(client, body));
        case vtpm_ordinal::loadhashkey:
            return packet(tag::vtpm_rsp, load_hash_key(client));
        case vtpm_ordinal::get_boot_hash:
            return packet(tag::vtpm_rsp, get_boot_hash(client, body));
        case vtpm_ordinal::get_quote:
            return packet(tag::vtpm_rsp, get_quote(client, body));
        default:
            return packet(tag::vtpm_rsp, failed(status::bad_ordinal));
    }
}

vtpm_commands::label_result vtpm_commands::check_label(connection& client, const vtpm_group& group) {
    std::string label;
    const int error = m_context.backend.peer_label(client.domid, client.handle, label_capacity, label);
    if (error < 0) {
        const bool no_labels = error == -static_cast<int>(xen::errno_t::enosys);
        if (no_labels && m_context.options.labels_unavailable_ok &&
            m_context.hardened(behaviour::vtpmmgr_label_lookup_error_denies_known_vtpm))
            return label_result::listed;
        return label_result::unavailable;
    }
    const auto listed = [&] {
        m_context.meter.sha1(label.size());
        return std::find(group.kernels.begin(), group.kernels.end(), client.kern_hash) != group.kernels.end();
    };
    client.kern_hash = label_hash(label);
    if (listed())
        return label_result::listed;
    const std::string wildcarded = wildcarded_label(label);
    if (wildcarded.empty())
        return label_result::unlisted;
    client.kern_hash = label_hash(wildcarded);
    return listed() ? label_result::listed : label_result::unlisted;
}

std::uint32_t vtpm_commands::verify(connection& client) {
    if (client.vtpm != nullptr)
        return status::success;
    auto [group, record] = m_context.find(client.uuid);
    if (record == nullptr)
        return status::bad_parameter;
    if ((record->flags & vtpm_record::open) != 0) {
        client.unbind();
        return status::disabled;
    }
    client.group = group;
    client.vtpm = record;
    const label_result label = check_label(client, *group);
    client.denied = label != label_result::listed;
    if (!client.denied) {
        record->flags |= vtpm_record::open;
        return status::success;
    }
    m_context.log("label of the vTPM is not accepted");
    // Upstream leaves both pointers set: the next command takes the record for bound (W-01).
    if (m_context.hardened(behaviour::vtpmmgr_label_denial_leaves_record_bound))
        client.unbind();
    return label == label_result::unavailable ? status::fail : status::disabled;
}

std::uint32_t vtpm_commands::create(connection& client) {
    const auto group = m_context.group_at(0);
    if (group == nullptr || !group->is_open())
        throw domain_crash("vtpmmgr: no open group 0 to create a record in");
    const bool hardened = m_context.hardened(behaviour::vtpmmgr_autocreate_skips_label_and_open);
    if (hardened) {
        // While nobody has said which labels are good, any label will do.
        const label_result label = check_label(client, *group);
        if (!m_context.options.autocreate || label == label_result::unavailable ||
            (label == label_result::unlisted && !group->kernels.empty()))
            return status::disabled;
    }
    if (!group->can_append())  // only after pages were lost at load (W-46): upstream's assertion
        throw domain_crash("vtpmmgr: record count does not fit the last page");
    auto record = std::make_shared<vtpm_record>();
    record->uuid = client.uuid;
    group->append(record);
    const bool admin =
        m_context.faithful(behaviour::vtpmmgr_first_autocreated_vtpm_is_admin)
            ? group->nr_vtpms == 1
            : m_context.options.admin_uuid && m_context.options.admin_uuid->octets == client.uuid;
    record->flags = (admin ? vtpm_record::admin : 0) | (hardened ? vtpm_record::open : 0);
    client.group = group;
    client.vtpm = std::move(record);
    return status::success;
}

std::uint32_t vtpm_commands::store(connection& client, byte_view body) {
    vtpm_record& record = *client.vtpm;
    vtpm_page* page = client.group->page_of(record);
    if (page == nullptr)
        throw domain_crash("vtpmmgr: record without a page");
    const auto before = record.data;
    record.data = {};
    std::copy(body.begin(), body.end(), record.data.begin());
    page->location = 0;
    disk_writer::touch(*client.group);
    const std::uint32_t result = m_context.persist(sync_depth::sequence);
    if (result != status::success)
        record.data = before;
    return result;
}

reply vtpm_commands::save_hash_key(connection& client, byte_view body) {
    if (body.size() < key_size || body.size() > sizeof(vtpm_record::data))
        return failed(status::bad_parameter);
    if (client.denied && m_context.hardened(behaviour::vtpmmgr_removed_label_still_saves))
        return failed(status::disabled);
    std::uint32_t result = verify(client);
    if (result == status::bad_parameter)
        result = create(client);
    if (result != status::success)
        return failed(result);
    // Refused until group 0 can be written; the administrator has to be let in to get there.
    const auto group0 = m_context.group_at(0);
    if (m_context.hardened(behaviour::vtpmmgr_unprovisioned_saves_acknowledged) && !client.is_admin() &&
        (group0 == nullptr || group0->configs.empty()))
        return failed(status::not_provisioned);
    return failed(store(client, body));
}

reply vtpm_commands::load_hash_key(connection& client) {
    if (const std::uint32_t result = verify(client); result != status::success)
        return failed(result);
    const auto& data = client.vtpm->data;
    const bool long_form =
        std::any_of(data.begin() + key_size, data.end(), [](std::byte b) { return b != std::byte{0}; });
    return done(bytes(data.begin(), long_form ? data.end() : data.begin() + key_size));
}

reply vtpm_commands::get_boot_hash(connection& client, byte_view body) {
    if (!body.empty())
        return failed(status::bad_parameter);
    return done(bytes(client.kern_hash.begin(), client.kern_hash.end()));
}

reply vtpm_commands::get_quote(connection& client, byte_view body) {
    tpm::wire_reader in(body);
    const auto inner = in.fixed<20>();
    const bytes selection = in.sized16();
    const std::uint32_t flags = in.u32();
    if (!in.ok() || !in.at_end() || client.vtpm == nullptr)
        return failed(status::bad_parameter);
    if ((flags & ~quote_flags::known) != 0)
        return failed(status::invalid_request);
    const auto digests = quote_digests(flags, client.uuid, client.kern_hash, *client.group);
    m_context.meter.sha1(24 + 20 * digests.size());
    made_quote quote;
    const std::uint32_t result =
        m_context.hardware.quote(*client.group, quote_external_data(flags, inner, digests), selection, quote);
    if (result != status::success)
        return failed(result);
    // Without flags the offset of the PCR values comes from a variable that was never set (W-03).
    if (flags == 0 && m_context.faithful(behaviour::vtpmmgr_quote_flags0_uninitialised_offset))
        throw domain_crash("vtpmmgr: PCR values of a quote without flags copied to an undefined place");
    bytes out(quote.signature.begin(), quote.signature.end());
    for (const sha1_digest& digest : digests)
        out.insert(out.end(), digest.begin(), digest.end());
    out.insert(out.end(), quote.pcr_values.begin(), quote.pcr_values.end());
    return done(std::move(out));
}

}  // namespace vtwin::models::manager
