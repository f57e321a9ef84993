#include "models/vtpmmgr/manager_context.h"

#include "models/domain_crash.h"

namespace vtwin::models::manager {

std::shared_ptr<vtpm_group> manager_context::group_at(std::size_t index) const {
    if (index >= tree.groups.size())
        return nullptr;
    if (tree.groups[index]->freed)
        throw domain_crash("vtpmmgr: group used after it was freed");
    return tree.groups[index];
}

std::pair<std::shared_ptr<vtpm_group>, std::shared_ptr<vtpm_record>> manager_context::find(
    const octets<16>& uuid) const {
    for (std::size_t i = 0; i < tree.groups.size(); ++i) {
        const auto group = group_at(i);
        if (!group->is_open())
            continue;
        if (auto record = group->find(uuid))
            return {group, std::move(record)};
    }
    return {};
}

std::uint32_t manager_context::persist(sync_depth depth) {
    const commit_result result = writer.commit(depth);
    if (result == commit_result::failed)
        log("writing the disk failed");
    if (result == commit_result::failed && hardened(behaviour::vtpmmgr_sync_result_ignored))
        return status::fail;
    return status::success;
}

bytes packet(std::uint16_t response_tag, const reply& answer) {
    tpm::wire_writer out;
    const bool with_body = answer.status == status::success;
    out.u16(response_tag);
    out.u32(static_cast<std::uint32_t>(packet_header + (with_body ? answer.body.size() : 0)));
    out.u32(answer.status);
    if (with_body)
        out.raw(answer.body);
    return out.take();
}

octets<16> new_uuid(ctr_drbg& drbg) {
    auto uuid = drbg.draw<16>();
    uuid[6] = (uuid[6] & std::byte{0x0F}) | std::byte{0x40};
    uuid[8] = (uuid[8] & std::byte{0x3F}) | std::byte{0x80};
    return uuid;
}

std::shared_ptr<vtpm_group> new_group(ctr_drbg& drbg) {
    auto group = std::make_shared<vtpm_group>();
    group->uuid = new_uuid(drbg);
    group_keys keys;
    drbg.fill(keys.aik_auth);
    drbg.fill(keys.group_key);
    drbg.fill(keys.rollback_mac_key);
    group->set_keys(keys);
    group->first_boot = true;
    return group;
}

}  // namespace vtwin::models::manager
