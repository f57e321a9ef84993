#include "models/vtpmmgr/quote_hash.h"

namespace vtwin::models::manager {

namespace {

void append(bytes& buffer, byte_view data) {
    buffer.insert(buffer.end(), data.begin(), data.end());
}

}  // namespace

bytes group_configuration(const vtpm_group& group) {
    bytes buffer;
    append(buffer, as_octets(be64(group.cfg_sequence)));
    append(buffer, as_octets(be32(group.sealed_configs)));
    for (const seal_entry& config : group.configs)
        append(buffer, config.digest_at_release);
    append(buffer, as_octets(be32(static_cast<std::uint32_t>(group.kernels.size()))));
    for (const sha1_digest& kernel : group.kernels)
        append(buffer, kernel);
    return buffer;
}

std::vector<sha1_digest> quote_digests(std::uint32_t flags, const octets<16>& uuid,
                                       const sha1_digest& label_hash, const vtpm_group& group) {
    std::vector<sha1_digest> digests;
    if (flags & quote_flags::hash_uuid)
        digests.push_back(sha1(uuid));
    if (flags & quote_flags::vtpm_measurements)
        digests.push_back(sha1(label_hash));
    if (flags & quote_flags::group_info) {
        bytes info(group.saa_modulus.begin(), group.saa_modulus.end());
        append(info, group_configuration(group));
        digests.push_back(sha1(info));
    }
    if (flags & quote_flags::group_pubkey)
        digests.push_back(sha1(group.saa_modulus));
    return digests;
}

sha1_digest quote_external_data(std::uint32_t flags, byte_view inner,
                                const std::vector<sha1_digest>& digests) {
    bytes buffer;
    append(buffer, as_octets(le32(flags)));
    append(buffer, inner);
    for (const sha1_digest& digest : digests)
        append(buffer, digest);
    return sha1(buffer);
}

}  // namespace vtwin::models::manager
