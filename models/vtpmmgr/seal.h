// Sealing to the hardware TPM's PCRs, as the disk code sees it.
// Source: stubdom/vtpmmgr/disk_tpm.c.
#pragma once

#include <optional>

#include "models/vtpmmgr/disk_format.h"

namespace vtwin::models::manager {

inline constexpr std::size_t pcr_count = 24;
using pcr_values = std::array<sha1_digest, pcr_count>;

/// SHA-1(u16 3 || 3 mask bytes, little-endian bit order || u32 20 n || n PCR values ascending); the low 24
/// bits of the mask take part.
sha1_digest pcr_composite(std::uint32_t mask, const pcr_values& pcrs);

/// Seals and unseals under the storage root key.
class seal_if {
  public:
    virtual ~seal_if() = default;
    /// The composite that entries are held against before any TPM command is sent.
    virtual sha1_digest composite(std::uint32_t mask) = 0;
    /// Fills digest_at_seal and blob for the entry's mask and release digest. False: the TPM refused, and the
    /// entry may hold anything.
    virtual bool seal(seal_entry& entry, byte_view data) = 0;
    /// The sealed data, as long as the TPM says that it is.
    virtual std::optional<bytes> unseal(const seal_entry& entry) = 0;
};

}  // namespace vtwin::models::manager
