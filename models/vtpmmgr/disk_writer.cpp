#include "models/vtpmmgr/disk_writer.h"

#include <algorithm>
#include <systemc>

#include "models/domain_crash.h"

namespace vtwin::models::manager {

disk_writer::disk_writer(manager_tree& tree, sector_store& store, seal_if& seals,
                         const behaviour_set& behaviours, work_meter& meter, tpm::entropy_if& entropy)
    : m_tree(tree),
      m_store(store),
      m_seals(seals),
      m_behaviours(behaviours),
      m_meter(meter),
      m_entropy(entropy) {}

void disk_writer::touch(vtpm_group& group) {
    ++group.sequence;
    group.location = 0;
}

commit_result disk_writer::commit(sync_depth depth) {
    if (m_tree.groups.empty() || !m_tree.groups[0]->is_open() || m_tree.groups[0]->configs.empty())
        return commit_result::skipped;
    // Upstream's writer walks all groups in each subtree of the root and overruns its arrays (W-10).
    if (m_tree.groups.size() > itree_children &&
        m_behaviours.faithful(behaviour::vtpmmgr_group_tree_overflow_above_112))
        throw domain_crash("vtpmmgr: more than 112 groups overrun the group tree writer");
    const unsigned slot = m_tree.slot ^ 1;
    ++m_tree.sequence;
    if (m_increment)
        m_tree.tpm_counter_value = m_counter + 1;
    else if (depth == sync_depth::counter)
        ++m_tree.tpm_counter_value;
    m_store.clear_use(slot);
    mark_unchanged(slot);
    if (!write_everything(slot)) {
        give_up(slot);
        return commit_result::failed;
    }
    m_tree.slot = slot;
    return count_commit() ? commit_result::written : commit_result::failed;
}

void disk_writer::use_counter(std::uint32_t value, counter_fn increment) {
    m_counter = value;
    m_increment = std::move(increment);
}

/// The counter moves after the root is on disk: a root one ahead of the counter is the mark of a crash in
/// between.
bool disk_writer::count_commit() {
    if (!m_increment)
        return true;
    const auto value = m_increment();
    if (value)
        m_counter = *value;
    return value.has_value();
}

bool disk_writer::write_everything(unsigned slot) {
    for (const auto& group : m_tree.groups)
        if (group->location == 0 && !write_group(*group, slot))
            return false;
    const bool ordered = m_behaviours.hardened(behaviour::vtpmmgr_single_flush_at_commit_end);
    if (ordered && !m_store.flush())
        return false;
    if (!write_root(slot) || (ordered && !m_store.flush()))
        return false;
    if (!m_tree.root_seals_valid[slot] && !write_seal_list(slot))
        return false;
    // Upstream waits for the flush but does not look at its result.
    return m_store.flush() || m_behaviours.faithful(behaviour::vtpmmgr_sync_result_ignored);
}

/// Sectors of the abandoned tree are free again; what was written into them has to be written again.
void disk_writer::give_up(unsigned slot) {
    for (const auto& group : m_tree.groups) {
        const auto only_here = [&](std::uint32_t location) {
            return location != 0 && location < max_sector && !m_store.in_use(location, slot ^ 1);
        };
        for (vtpm_page& page : group->pages)
            if (only_here(page.location)) {
                page.location = 0;
                group->location = 0;
            }
        if (only_here(group->location))
            group->location = 0;
    }
    m_tree.root_seals_valid[slot] = false;
}

void disk_writer::mark_unchanged(unsigned slot) {
    for (const auto& group : m_tree.groups) {
        if (group->location != 0) {
            m_store.mark_use(group->location, slot);
            for (const std::uint32_t below : group->stored_below)
                m_store.mark_use(below, slot);
            continue;
        }
        for (const vtpm_page& page : group->pages)
            if (page.location != 0)
                m_store.mark_use(page.location, slot);
    }
}

bool disk_writer::write_page(vtpm_group& group, vtpm_page& page, unsigned slot) {
    vtpm_sector plain{};
    for (std::size_t i = 0; i < page.records.size(); ++i) {
        plain.header[i] = {page.records[i]->uuid, page.records[i]->flags & vtpm_record::disk_mask};
        plain.secrets[i] = page.records[i]->data;
    }
    m_entropy.fill(plain.iv);
    m_meter.aes(sizeof plain.secrets);
    group.group_cipher().ctr(plain.iv, std::as_writable_bytes(std::span(plain.secrets)));
    m_meter.sha256(sizeof plain);
    const auto number = m_store.allocate(slot);
    if (!number || !m_store.write_encrypted(*number, as_octets(plain)))
        return false;
    page.hash = sha256(as_octets(plain));
    page.location = *number;
    return true;
}

bool disk_writer::seal_group(vtpm_group& group) {
    group_sealed_data secret{group_magic, m_tree.root.manager_uuid, group.keys->aik_auth,
                             group.keys->group_key, group.keys->rollback_mac_key};
    for (seal_entry& entry : group.configs)
        if (!m_seals.seal(entry, as_octets(secret)) &&
            m_behaviours.hardened(behaviour::vtpmmgr_seal_failure_ignored))
            return false;
    group.sealed_configs = static_cast<std::uint32_t>(group.configs.size());
    group.seals_valid = true;
    return true;
}

bool disk_writer::write_group(vtpm_group& group, unsigned slot) {
    sc_assert(group.is_open());  // a closed group cannot change
    for (vtpm_page& page : group.pages)
        if (page.location == 0 && !write_page(group, page, slot))
            return false;
    group_sector plain{};
    std::vector<child> leaves;
    leaves.reserve(group.pages.size());
    for (const vtpm_page& page : group.pages)
        leaves.push_back({page.location, page.hash});
    std::vector<std::uint32_t> below;
    below.reserve(leaves.size());
    for (const child& leaf : leaves)
        below.push_back(leaf.location);
    if (!place(leaves, plain.hash, plain.location, slot, below))
        return false;
    if (!group.seals_valid && !seal_group(group))
        return false;
    plain.uuid = group.uuid;
    plain.saa_modulus = group.saa_modulus;
    plain.aik_modulus = group.aik_modulus;
    plain.aik_private = group.aik_private;
    plain.rollback_pubkey_hash = group.rollback_pubkey_hash;
    plain.sequence = group.sequence;
    plain.cfg_sequence = group.cfg_sequence;
    plain.flags = group.flags;
    plain.recovery_data = group.recovery_data;
    plain.nr_cfgs = static_cast<std::uint32_t>(group.configs.size());
    std::copy(group.configs.begin(), group.configs.end(), plain.cfgs.begin());
    plain.nr_kerns = static_cast<std::uint32_t>(group.kernels.size());
    std::copy(group.kernels.begin(), group.kernels.end(), plain.kernels.begin());
    plain.nr_vtpms = group.nr_vtpms;
    m_meter.cmac(group_sector::maced_size);
    plain.mac = group.group_cipher().cmac(as_octets(plain).first(group_sector::maced_size));
    m_meter.sha256(group_sector::hashed_size);
    const auto number = m_store.allocate(slot);
    if (!number || !m_store.write_encrypted(*number, as_octets(plain)))
        return false;
    group.hash = sha256(as_octets(plain).first(group_sector::hashed_size));
    group.location = *number;
    group.stored_below = std::move(below);
    return true;
}

std::optional<disk_writer::child> disk_writer::write_itree(std::span<const child> leaves, unsigned slot,
                                                           std::vector<std::uint32_t>& itrees) {
    itree_sector plain{};
    // Entries that are not used keep what the stack frame held before (the previous itree's bytes).
    if (m_behaviours.faithful(behaviour::vtpmmgr_itree_tail_leaks_stack))
        std::memcpy(&plain, m_residue.data(), sizeof plain);
    if (!place(leaves, plain.hash, plain.location, slot, itrees))
        return std::nullopt;
    std::memcpy(m_residue.data(), &plain, sizeof plain);
    const auto number = m_store.allocate(slot);
    if (!number || !m_store.write_encrypted(*number, as_octets(plain)))
        return std::nullopt;
    itrees.push_back(*number);
    m_meter.sha256(sizeof plain.hash);
    return child{*number, sha256(as_octets(plain.hash))};
}

bool disk_writer::place(std::span<const child> leaves, std::span<sha256_digest> hashes,
                        std::span<be32> locations, unsigned slot, std::vector<std::uint32_t>& itrees) {
    std::size_t covered = 1;
    while (leaves.size() > covered * hashes.size())
        covered *= itree_children;
    for (std::size_t i = 0, first = 0; first < leaves.size(); ++i, first += covered) {
        const auto part = leaves.subspan(first, std::min(covered, leaves.size() - first));
        const std::optional<child> entry = covered == 1 ? part[0] : write_itree(part, slot, itrees);
        if (!entry)
            return false;
        hashes[i] = entry->hash;
        locations[i] = entry->location;
    }
    return true;
}

bool disk_writer::write_root(unsigned slot) {
    root_sector plain{};
    std::vector<child> leaves;
    leaves.reserve(m_tree.groups.size());
    for (const auto& group : m_tree.groups)
        leaves.push_back({group->location, group->hash});
    std::vector<std::uint32_t> itrees;  // the root's own inner nodes are written anew with each root
    if (!place(leaves, plain.hash, plain.location, slot, itrees))
        return false;
    plain.sequence = m_tree.sequence;
    plain.tpm_counter_value = m_tree.tpm_counter_value;
    plain.nr_groups = static_cast<std::uint32_t>(m_tree.groups.size());
    std::uint32_t macs = 0;
    for (std::size_t i = 0; i < m_tree.groups.size() && macs < max_rollback_macs; ++i) {
        const vtpm_group& group = *m_tree.groups[i];
        if (!group.is_open() || group.is_flagged())
            continue;
        m_meter.cmac(root_sector::core_size);
        plain.rb_macs[macs++] = {static_cast<std::uint32_t>(i),
                                 group.rollback_mac(as_octets(plain).first(root_sector::core_size))};
    }
    plain.nr_rb_macs = macs;
    return m_store.write_encrypted(root_sector_of(slot), as_octets(plain));
}

bool disk_writer::write_seal_list(unsigned slot) {
    const vtpm_group& group0 = *m_tree.groups[0];
    seal_list_sector list{};
    list.magic = seal_list_magic;
    list.count = static_cast<std::uint32_t>(group0.configs.size());
    for (std::size_t i = 0; i < group0.configs.size(); ++i) {
        seal_entry& entry = list.entries[i];
        entry.pcr_mask = group0.configs[i].pcr_mask;
        entry.digest_at_release = group0.configs[i].digest_at_release;
        if (!m_seals.seal(entry, as_octets(m_tree.root)) &&
            m_behaviours.hardened(behaviour::vtpmmgr_seal_failure_ignored))
            return false;
    }
    sector raw{};
    std::memcpy(raw.data(), &list, sizeof list);
    if (m_behaviours.hardened(behaviour::vtpmmgr_seal_list_header_unauthenticated)) {
        m_meter.cmac(sector_size - 16);
        const aes_block mac = sector_cipher(m_tree.root.tm_key).cmac(byte_view(raw).first(sector_size - 16));
        std::copy(mac.begin(), mac.end(), raw.end() - 16);
    }
    if (!m_store.write_raw(seal_list_sector_of(slot), raw))
        return false;
    m_tree.root_seals_valid[slot] = true;
    return true;
}

}  // namespace vtwin::models::manager
