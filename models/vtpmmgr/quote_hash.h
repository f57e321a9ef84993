// What the manager adds to the data that a vTPM asks it to quote.
// Source: stubdom/vtpmmgr/vtpm_cmd_handler.c (vtpmmgr_GetQuote), disk_read.c (group hashes).
#pragma once

#include <optional>
#include <vector>

#include "models/vtpmmgr/disk_tree.h"

namespace vtwin::models::manager {

/// extraInfoFlags of GET_QUOTE.
struct quote_flags {
    static constexpr std::uint32_t hash_uuid = 1, vtpm_measurements = 2, group_info = 4, group_pubkey = 8,
                                   known = 15;
};

/// u64 cfg_seq || u32 nr_cfgs || composites || u32 nr_kerns || kernels. The first count is that of the list
/// last sealed, the composites are the live list's.
bytes group_configuration(const vtpm_group& group);

/// One digest per flag set, in the order of the bits: SHA-1 of the UUID, of the label hash, of SAA modulus
/// and group configuration, of the SAA modulus. Unknown flags are the caller's to refuse.
std::vector<sha1_digest> quote_digests(std::uint32_t flags, const octets<16>& uuid,
                                       const sha1_digest& label_hash, const vtpm_group& group);

/// SHA-1(flags || inner || digests). The flag word is hashed in x86 byte order, and also when it is zero.
sha1_digest quote_external_data(std::uint32_t flags, byte_view inner,
                                const std::vector<sha1_digest>& digests);

}  // namespace vtwin::models::manager
