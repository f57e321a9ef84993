#include "models/vtpmmgr/disk_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <systemc>

namespace vtwin::models::manager {

namespace {

constexpr unsigned max_seal_list_links = 100;

byte_view body(const sector& data) {
    return byte_view(data).subspan(sector_container::body_offset);
}

}  // namespace

disk_loader::disk_loader(sector_store& store, seal_if& seals, const behaviour_set& behaviours,
                         work_meter& meter, log_fn log)
    : m_store(store), m_seals(seals), m_behaviours(behaviours), m_meter(meter), m_log(std::move(log)) {}

template <typename Structure>
std::optional<Structure> disk_loader::unsealed(const seal_entry& entry) {
    const auto data = m_seals.unseal(entry);
    if (!data) {
        m_report.unseal_failed = true;
        return std::nullopt;
    }
    // Upstream copies the structure's size whatever the TPM's length field says (W-39); bytes behind the data
    // are left as zero here.
    if (data->size() != sizeof(Structure) &&
        m_behaviours.hardened(behaviour::vtpmmgr_tpm_reply_lengths_trusted))
        return std::nullopt;
    Structure result{};
    std::memcpy(&result, data->data(), std::min(data->size(), sizeof result));
    return result;
}

std::optional<manager_tree> disk_loader::load() {
    std::array<std::optional<root_sealed_data>, 2> secret;
    for (unsigned slot = 0; slot < 2; ++slot)
        secret[slot] = open_seal_list(slot);
    std::array<std::optional<root_sector>, 2> root;
    for (unsigned slot = 0; slot < 2; ++slot)
        if (secret[slot])
            root[slot] = read_root(slot, *secret[slot]);
    unsigned first = 0;
    if (root[1] && (!root[0] || root[1]->sequence > root[0]->sequence))
        first = 1;
    for (const unsigned slot : {first, first ^ 1u}) {
        if (!root[slot])
            continue;
        if (auto tree = load_slot(slot, *secret[slot], *root[slot])) {
            // A slot whose seal opened but whose root is malformed may have been the newer one.
            m_report.fell_back = slot != first || (secret[slot ^ 1] && !root[slot ^ 1]);
            return tree;
        }
    }
    return std::nullopt;
}

std::optional<root_sealed_data> disk_loader::open_seal_list(unsigned slot) {
    std::uint32_t number = seal_list_sector_of(slot);
    for (unsigned links = 0; links < max_seal_list_links; ++links) {
        sector raw;
        if (!m_store.read_raw(number, raw))
            return std::nullopt;
        const auto list = parse_sector<seal_list_sector>(raw);
        if (list.magic != seal_list_magic)
            return std::nullopt;
        m_report.magic_present = true;
        if (list.version != 0 || list.count > max_root_seals)
            return std::nullopt;
        for (std::size_t i = 0; i < list.count; ++i)
            if (auto secret = open_entry(raw, list.entries[i]))
                return secret;
        if (list.next == 0)
            return std::nullopt;
        number = list.next;
    }
    return std::nullopt;
}

std::optional<root_sealed_data> disk_loader::open_entry(const sector& raw, const seal_entry& entry) {
    if (m_seals.composite(entry.pcr_mask) != entry.digest_at_release)
        return std::nullopt;
    auto secret = unsealed<root_sealed_data>(entry);
    if (!secret || secret->magic != root_magic)
        return std::nullopt;
    if (m_behaviours.hardened(behaviour::vtpmmgr_seal_list_header_unauthenticated)) {
        m_meter.cmac(sector_size - 16);
        const aes_block mac = sector_cipher(secret->tm_key).cmac(byte_view(raw).first(sector_size - 16));
        if (!std::equal(mac.begin(), mac.end(), raw.end() - 16)) {
            m_log("seal list does not match its authentication code");
            return std::nullopt;
        }
    }
    return secret;
}

std::optional<root_sector> disk_loader::read_root(unsigned slot, const root_sealed_data& secret) {
    m_store.set_key(secret.tm_key);
    sector data;
    if (!m_store.read_encrypted(root_sector_of(slot), slot, data)) {
        m_log(fmt::format("root sector of slot {} is malformed", slot));
        return std::nullopt;
    }
    return parse_sector<root_sector>(body(data));
}

bool disk_loader::visit_leaves(const walk& context, std::span<const sha256_digest> hashes,
                               std::span<const be32> locations, std::size_t first, std::size_t count) {
    std::size_t covered = 1;
    while (count > covered * hashes.size())
        covered *= itree_children;
    for (std::size_t i = 0, done = 0; done < count; ++i, done += covered) {
        if (covered == 1) {
            if (!context.visit(locations[i], hashes[i], first + done))
                return false;
            continue;
        }
        sector data;
        if (!m_store.read_encrypted(locations[i], context.slot, data))
            return false;
        const auto node = parse_sector<itree_sector>(body(data));
        m_meter.sha256(sizeof node.hash);
        if (sha256(as_octets(node.hash)) != hashes[i])
            return false;
        context.itrees.push_back(locations[i]);
        if (!visit_leaves(context, node.hash, node.location, first + done, std::min(covered, count - done)))
            return false;
    }
    return true;
}

std::optional<manager_tree> disk_loader::load_slot(unsigned slot, const root_sealed_data& secret,
                                                   const root_sector& root) {
    // A garbled root announces more groups than the disk has sectors; upstream's allocation fails then.
    if (root.nr_groups > max_sector || root.nr_rb_macs > max_rollback_macs) {
        m_log(fmt::format("root sector of slot {} has impossible counts", slot));
        return std::nullopt;
    }
    m_store.set_key(secret.tm_key);
    manager_tree tree;
    tree.root = secret;
    tree.sequence = root.sequence;
    tree.tpm_counter_value = root.tpm_counter_value;
    tree.slot = slot;
    tree.root_seals_valid[slot] = true;
    std::vector<std::uint32_t> itrees;
    const leaf_fn visit = [&](std::uint32_t location, const sha256_digest& hash, std::size_t) {
        auto group = load_group(slot, location, hash, secret);
        if (!group)
            return false;
        tree.groups.push_back(std::move(group));
        return true;
    };
    if (!visit_leaves({slot, itrees, visit}, root.hash, root.location, 0, root.nr_groups)) {
        m_log(fmt::format("slot {}: a sector is malformed", slot));
        return std::nullopt;
    }
    if (tree.groups.empty() || !tree.groups[0]->is_open()) {
        m_log(fmt::format("slot {}: group 0 does not open", slot));
        return std::nullopt;
    }
    check_rollback(tree, root);
    return tree;
}

std::shared_ptr<vtpm_group> disk_loader::load_group(unsigned slot, std::uint32_t location,
                                                    const sha256_digest& hash,
                                                    const root_sealed_data& secret) {
    sector data;
    if (!m_store.read_encrypted(location, slot, data))
        return nullptr;
    const auto stored = parse_sector<group_sector>(body(data));
    m_meter.sha256(group_sector::hashed_size);
    if (sha256(as_octets(stored).first(group_sector::hashed_size)) != hash)
        return nullptr;
    if (stored.nr_cfgs > max_group_seals || stored.nr_kerns > max_kernels)
        return nullptr;
    auto group = std::make_shared<vtpm_group>();
    group->uuid = stored.uuid;
    group->saa_modulus = stored.saa_modulus;
    group->aik_modulus = stored.aik_modulus;
    group->aik_private = stored.aik_private;
    group->rollback_pubkey_hash = stored.rollback_pubkey_hash;
    group->sequence = stored.sequence;
    group->cfg_sequence = stored.cfg_sequence;
    group->flags = stored.flags;
    group->recovery_data = stored.recovery_data;
    group->configs.assign(stored.cfgs.begin(), stored.cfgs.begin() + stored.nr_cfgs);
    group->sealed_configs = stored.nr_cfgs;
    group->kernels.assign(stored.kernels.begin(), stored.kernels.begin() + stored.nr_kerns);
    group->nr_vtpms = stored.nr_vtpms;
    group->location = location;
    group->hash = hash;
    group->seals_valid = true;
    if (const auto keys = open_group(stored, secret)) {
        group->set_keys(*keys);
        m_meter.cmac(group_sector::maced_size);
        if (group->group_cipher().cmac(as_octets(stored).first(group_sector::maced_size)) != stored.mac)
            return nullptr;
    }
    return load_pages(slot, stored, *group) ? group : nullptr;
}

std::optional<group_keys> disk_loader::open_group(const group_sector& stored,
                                                  const root_sealed_data& secret) {
    std::optional<group_keys> keys;
    for (std::size_t i = 0; i < stored.nr_cfgs; ++i) {
        const seal_entry& entry = stored.cfgs[i];
        if (m_seals.composite(entry.pcr_mask) != entry.digest_at_release)
            continue;
        const auto data = unsealed<group_sealed_data>(entry);
        if (data && data->magic == group_magic && data->manager_uuid == secret.manager_uuid)
            keys = {data->aik_auth, data->group_key, data->rollback_mac_key};  // the last success is kept
    }
    return keys;
}

bool disk_loader::load_pages(unsigned slot, const group_sector& stored, vtpm_group& group) {
    const std::size_t count = (std::size_t{stored.nr_vtpms} + vtpms_per_page - 1) / vtpms_per_page;
    if (count > max_sector)
        return false;
    group.pages.resize(count);
    const leaf_fn visit = [&](std::uint32_t location, const sha256_digest& hash, std::size_t number) {
        return load_page(slot, location, hash, number, group);
    };
    return visit_leaves({slot, group.stored_below, visit}, stored.hash, stored.location, 0, count);
}

bool disk_loader::load_page(unsigned slot, std::uint32_t location, const sha256_digest& hash,
                            std::size_t number, vtpm_group& group) {
    sector data;
    if (!m_store.read_encrypted(location, slot, data))
        return false;
    auto stored = parse_sector<vtpm_sector>(body(data));
    m_meter.sha256(sizeof stored);
    if (sha256(as_octets(stored)) != hash)
        return false;
    if (group.is_open()) {
        m_meter.aes(sizeof stored.secrets);
        group.group_cipher().ctr(stored.iv, std::as_writable_bytes(std::span(stored.secrets)));
    }
    // Upstream stores every page of a leaf list into the list's first page object (W-46), so the last one
    // stays.
    std::size_t place = number;
    if (m_behaviours.faithful(behaviour::vtpmmgr_only_last_vtpm_page_loaded) && group.is_open())
        place = group.pages.size() <= group_children ? 0 : number - number % itree_children;
    group.stored_below.push_back(location);
    vtpm_page& page = group.pages[place];
    page.location = location;
    page.hash = hash;
    page.records.clear();
    const std::size_t first = number * vtpms_per_page;
    const std::size_t count = std::min<std::size_t>(vtpms_per_page, group.nr_vtpms - first);
    for (std::size_t i = 0; group.is_open() && i < count; ++i) {
        auto record = std::make_shared<vtpm_record>();
        record->uuid = stored.header[i].uuid;
        record->flags = stored.header[i].flags & vtpm_record::disk_mask;
        record->data = stored.secrets[i];
        record->index = first + i;
        page.records.push_back(std::move(record));
    }
    return true;
}

void disk_loader::check_rollback(manager_tree& tree, const root_sector& root) {
    for (std::size_t i = 0; i < tree.groups.size(); ++i) {
        vtpm_group& group = *tree.groups[i];
        if (!group.is_open())
            continue;
        const rollback_mac* entry = nullptr;
        for (std::size_t k = 0; k < root.nr_rb_macs && entry == nullptr; ++k)
            if (root.rb_macs[k].group == i)
                entry = &root.rb_macs[k];
        m_meter.cmac(root_sector::core_size);
        if (entry != nullptr &&
            entry->mac == group.rollback_mac(as_octets(root).first(root_sector::core_size)))
            continue;
        if (entry == nullptr &&
            m_behaviours.hardened(behaviour::vtpmmgr_closed_group_flagged_as_rolled_back)) {
            m_log(fmt::format("group {} was closed when the disk was last written", i));
            continue;
        }
        // Without an entry upstream's scan runs past the array until it meets a non-zero word (W-35); the
        // group is flagged either way.
        if (!group.is_flagged())
            m_log(fmt::format("group {} is flagged as rolled back", i));
        group.flags[0] |= vtpm_group::rollback_detected;
        group.location = 0;
    }
}

}  // namespace vtwin::models::manager
