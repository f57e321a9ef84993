#include "models/vtpmmgr/quote_hash.h"

#include "tpm/codec/wire.h"

namespace vtwin::models::manager {

using tpm::wire_writer;

bytes group_configuration(const vtpm_group& group) {
    wire_writer out;
    out.u64(group.cfg_sequence).u32(group.sealed_configs);
    for (const seal_entry& config : group.configs)
        out.raw(config.digest_at_release);
    out.u32(static_cast<std::uint32_t>(group.kernels.size()));
    for (const sha1_digest& kernel : group.kernels)
        out.raw(kernel);
    return out.take();
}

std::vector<sha1_digest> quote_digests(std::uint32_t flags, const octets<16>& uuid,
                                       const sha1_digest& label_hash, const vtpm_group& group) {
    std::vector<sha1_digest> digests;
    if (flags & quote_flags::hash_uuid)
        digests.push_back(sha1(uuid));
    if (flags & quote_flags::vtpm_measurements)
        digests.push_back(sha1(label_hash));
    if (flags & quote_flags::group_info) {
        digests.push_back(sha1(tpm::concat({group.saa_modulus, group_configuration(group)})));
    }
    if (flags & quote_flags::group_pubkey)
        digests.push_back(sha1(group.saa_modulus));
    return digests;
}

sha1_digest quote_external_data(std::uint32_t flags, byte_view inner,
                                const std::vector<sha1_digest>& digests) {
    wire_writer out;
    out.raw(as_octets(le32(flags))).raw(inner);
    for (const sha1_digest& digest : digests)
        out.raw(digest);
    return sha1(out.data());
}

}  // namespace vtwin::models::manager
