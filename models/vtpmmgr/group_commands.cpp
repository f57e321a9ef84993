// The group commands of management_commands: creation, signed configuration, escrow, attestation key.
#include <algorithm>

#include "models/domain_crash.h"
#include "models/vtpmmgr/management_commands.h"
#include "models/vtpmmgr/quote_hash.h"

namespace vtwin::models::manager {

bytes cfg_list(const vtpm_group& group) {
    tpm::wire_writer out;
    out.u64(group.cfg_sequence).u32(static_cast<std::uint32_t>(group.configs.size()));
    for (const seal_entry& config : group.configs)
        out.raw(config.digest_at_release);
    out.u32(static_cast<std::uint32_t>(group.kernels.size()));
    for (const sha1_digest& kernel : group.kernels)
        out.raw(kernel);
    return out.take();
}

reply management_commands::group_list(reader& in) {
    if (!in.at_end())
        return failed(status::bad_parameter);
    return done(tpm::wire_writer().u32(static_cast<std::uint32_t>(m_context.tree.groups.size())).take());
}

reply management_commands::group_new(reader& in) {
    const auto label_digest = in.fixed<20>();
    const auto modulus = in.fixed<256>();
    if (!in.ok() || !in.at_end())
        return failed(status::bad_parameter);
    if (m_context.hardened(behaviour::vtpmmgr_short_saa_modulus_overread) &&
        (modulus[0] & std::byte{0x80}) == std::byte{0})
        return failed(status::bad_parameter);
    auto& groups = m_context.tree.groups;
    // The stub group of a new manager has no SAA key yet: the first GROUP_NEW claims it.
    const auto first = m_context.group_at(0);
    const bool claims = first != nullptr && first->first_boot && first->saa_modulus == octets<256>{};
    const auto group = claims ? first : new_group(m_context.drbg);
    made_identity identity;
    const std::uint32_t result =
        m_context.hardware.make_identity(label_digest, group->keys->aik_auth, identity);
    if (result != status::success) {
        // Upstream frees what it takes for a new group, the live group 0 included (W-23).
        if (claims && m_context.faithful(behaviour::vtpmmgr_failed_group_new_frees_live_group))
            group->freed = true;
        return failed(status::fail);
    }
    group->aik_modulus = identity.modulus;
    group->aik_private = identity.enc_data;
    group->saa_modulus = modulus;
    group->sequence = m_context.tree.sequence;
    if (!claims)
        groups.push_back(group);
    disk_writer::touch(*group);
    if (const std::uint32_t saved = m_context.persist(sync_depth::sequence); saved != status::success) {
        if (!claims)
            groups.pop_back();
        return failed(saved);
    }
    return done(tpm::concat({group->uuid, identity.modulus, identity.binding}));
}

reply management_commands::group_del(reader& in) {
    const std::uint32_t index = in.u32();
    if (!in.ok() || !in.at_end())
        return failed(status::bad_parameter);
    auto& groups = m_context.tree.groups;
    if (index == groups.size() && m_context.faithful(behaviour::vtpmmgr_group_delete_index_off_by_one))
        throw domain_crash("vtpmmgr: group behind the last one deleted");
    const auto group = m_context.group_at(index);
    if (group == nullptr)
        return failed(status::bad_index);
    if (index == 0 && m_context.hardened(behaviour::vtpmmgr_group0_deletable))
        return failed(status::fail);
    if (!group->is_open() && m_context.hardened(behaviour::vtpmmgr_closed_group_deletable_by_admin))
        return failed(status::authfail);
    for (const vtpm_page& page : group->pages)
        for (const auto& record : page.records)
            if ((record->flags & vtpm_record::open) != 0)
                return failed(status::fail);
    groups.erase(groups.begin() + index);
    return failed(m_context.persist(sync_depth::counter));
}

reply management_commands::group_show(reader& in) {
    std::shared_ptr<vtpm_group> group;
    std::uint32_t index = 0;
    if (const std::uint32_t result = open_group(in, group, index); result != status::success)
        return failed(result);
    if (!in.at_end())
        return failed(status::bad_parameter);
    return done(tpm::concat({group->uuid, group->saa_modulus, cfg_list(*group)}));
}

bool management_commands::sequence_refused(const vtpm_group& group, std::uint64_t sequence,
                                           byte_view list) const {
    if (sequence != group.cfg_sequence ||
        m_context.faithful(behaviour::vtpmmgr_equal_config_sequence_accepted))
        return sequence < group.cfg_sequence;
    const bytes current = cfg_list(group);  // the same list once more does no harm
    return !std::equal(current.begin(), current.end(), list.begin(),
                       list.begin() + static_cast<long>(std::min(current.size(), list.size())));
}

std::uint32_t management_commands::parse_update(reader& in, byte_view body, const vtpm_group& group,
                                                byte_view signature, configuration& out) {
    const std::size_t start = in.position();
    // Upstream compares the sequence before it looks whether it is there (W-41); what is not there reads as
    // zeros.
    out.sequence = in.u64();
    if (!in.ok() && m_context.hardened(behaviour::vtpmmgr_group_update_short_body_overread))
        return status::bad_parameter;
    if (sequence_refused(group, out.sequence, body.subspan(start)))
        return status::fail;
    const std::uint32_t platforms = in.u32();
    for (std::uint32_t i = 0; i < platforms && in.ok(); ++i) {
        seal_entry entry{};
        entry.digest_at_release = in.fixed<20>();
        out.platforms.push_back(entry);
    }
    const std::uint32_t kernels = in.u32();
    for (std::uint32_t i = 0; i < kernels && in.ok(); ++i)
        out.kernels.push_back(in.fixed<20>());
    if (!in.ok())
        return status::bad_parameter;
    const byte_view signed_part = body.subspan(start, in.position() - start);
    if (platforms > max_group_seals || kernels > max_kernels)
        return status::size;
    for (seal_entry& entry : out.platforms) {
        const bytes selection = in.sized16();
        if (!in.ok() || selection.size() > 4)
            return status::bad_parameter;
        std::uint32_t mask = 0;
        for (std::size_t i = 0; i < selection.size(); ++i)
            mask |= std::to_integer<std::uint32_t>(selection[i]) << (8 * i);
        entry.pcr_mask = mask;
    }
    if (!in.at_end())
        return status::bad_parameter;
    m_context.meter.sha1(signed_part.size());
    m_context.meter.rsa_public();
    return static_cast<std::uint32_t>(check_saa_signature(group.saa_modulus, signature, sha1(signed_part)));
}

std::uint32_t management_commands::judge_update(const configuration& wanted, bool is_group0) const {
    if (is_group0 && wanted.platforms.empty() &&
        m_context.hardened(behaviour::vtpmmgr_empty_platform_list_stops_persistence))
        return status::bad_parameter;
    const bool empty_mask =
        std::any_of(wanted.platforms.begin(), wanted.platforms.end(),
                    [](const seal_entry& entry) { return (entry.pcr_mask & 0xFFFFFF) == 0; });
    if (empty_mask && m_context.hardened(behaviour::vtpmmgr_empty_pcr_mask_never_unseals))
        return status::bad_parameter;
    return status::success;
}

std::uint32_t management_commands::apply_update(vtpm_group& group, bool is_group0, configuration wanted) {
    const auto kept = [&](const seal_entry& old) {
        return std::any_of(wanted.platforms.begin(), wanted.platforms.end(), [&](const seal_entry& entry) {
            return entry.digest_at_release == old.digest_at_release;
        });
    };
    // A configuration that loses its place must not open what is written from now on. The key above the
    // groups is not renewed: sectors of closed groups could not be written under another one.
    if (m_context.hardened(behaviour::vtpmmgr_config_update_keeps_keys) &&
        !std::all_of(group.configs.begin(), group.configs.end(), kept)) {
        group_keys keys = *group.keys;
        m_context.drbg.fill(keys.group_key);
        m_context.drbg.fill(keys.rollback_mac_key);
        group.set_keys(keys);
        for (vtpm_page& page : group.pages)
            page.location = 0;
    }
    configuration before{group.cfg_sequence, group.configs, group.kernels};
    group.cfg_sequence = wanted.sequence;
    group.configs = std::move(wanted.platforms);
    group.kernels = std::move(wanted.kernels);
    group.seals_valid = false;
    if (is_group0)
        m_context.tree.root_seals_valid = {};
    disk_writer::touch(group);
    const std::uint32_t result = m_context.persist(sync_depth::sequence);
    if (result != status::success) {
        group.cfg_sequence = before.sequence;
        group.configs = std::move(before.platforms);
        group.kernels = std::move(before.kernels);
    }
    return result;
}

reply management_commands::group_update(reader& in) {
    std::shared_ptr<vtpm_group> group;
    std::uint32_t index = 0;
    if (const std::uint32_t result = open_group(in, group, index); result != status::success)
        return failed(result);
    const auto signature = in.fixed<256>();
    if (!in.ok())
        return failed(status::bad_parameter);
    const bytes rest = in.raw(in.remaining());
    reader list(rest);
    configuration wanted;
    std::uint32_t result = parse_update(list, rest, *group, signature, wanted);
    if (result == status::success)
        result = judge_update(wanted, index == 0);
    if (result == status::success)
        result = apply_update(*group, index == 0, std::move(wanted));
    return failed(result);
}

reply management_commands::group_activate(reader& in) {
    std::shared_ptr<vtpm_group> group;
    std::uint32_t index = 0;
    if (const std::uint32_t result = open_group(in, group, index); result != status::success)
        return failed(result);
    const bytes blob = in.sized32();
    if (!in.ok() || !in.at_end())
        return failed(status::bad_parameter);
    bytes key;
    const std::uint32_t result =
        m_context.hardware.activate_identity(*group, group_configuration(*group), blob, key);
    return result == status::success ? done(std::move(key)) : failed(result);
}

reply management_commands::group_register(reader& in) {
    std::shared_ptr<vtpm_group> group;
    std::uint32_t index = 0;
    if (const std::uint32_t result = open_group(in, group, index); result != status::success)
        return failed(result);
    const auto peer = in.fixed<256>();
    const auto proof = in.fixed<256>();
    const bytes selection = in.sized16();
    if (!in.ok() || !in.at_end())
        return failed(status::bad_parameter);
    if (!group->first_boot)
        return failed(status::fail);
    m_context.meter.rsa_public();
    if (check_saa_signature(group->saa_modulus, proof, sha1(peer)) != signature_check::good)
        return failed(status::fail);
    const auto exponent = m_context.drbg.draw<256>();
    m_context.meter.long_exponentiation();
    m_context.meter.long_exponentiation();
    const auto exchange = dh_group14(exponent, peer);
    if (!exchange)
        return failed(status::fail);
    auto blob = sha256(exchange->shared);
    for (std::size_t i = 0; i < 16; ++i) {
        blob[i] ^= group->keys->group_key[i];
        blob[16 + i] ^= group->keys->rollback_mac_key[i];
    }
    constexpr std::string_view name = "REGR";
    const auto digest =
        sha1(tpm::concat({std::as_bytes(std::span(name)), peer, exchange->public_value, blob}));
    // Upstream signs the same outer form as for any vTPM's quote (W-22); hardened, a word of its own goes in
    // front.
    constexpr std::string_view outer = "REGPROOF";
    const auto external = m_context.faithful(behaviour::vtpmmgr_regproof_forgeable_by_quote)
                              ? quote_external_data(0, digest, {})
                              : sha1(tpm::concat({std::as_bytes(std::span(outer)), digest}));
    made_quote quote;
    const std::uint32_t result = m_context.hardware.quote(*group, external, selection, quote);
    if (result != status::success)
        return failed(result);
    if (m_context.hardened(behaviour::vtpmmgr_group_register_repeatable))
        group->first_boot = false;
    return done(tpm::concat({exchange->public_value, blob, quote.signature}));
}

}  // namespace vtwin::models::manager
