// Sectors of the manager's disk: reading, writing, and which of the two roots uses which.
// Source: stubdom/vtpmmgr/disk_io.c.
#pragma once

#include <optional>

#include "models/behaviours/behaviours.h"
#include "models/vtpmmgr/disk_format.h"
#include "models/vtpmmgr/work_meter.h"
#include "tpm/ports.h"

namespace vtwin::models::manager {

container_policy container_policy_of(const behaviour_set& behaviours);

/// Device errors and a full disk kill the domain or come back as false, as vtpmmgr.io_fault_aborts_domain
/// says.
class sector_store {
  public:
    sector_store(block_file_if& disk, const behaviour_set& behaviours, work_meter& meter,
                 tpm::entropy_if& entropy);

    /// A sector as it lies on disk.
    [[nodiscard]] bool read_raw(std::uint32_t number, sector& out);
    [[nodiscard]] bool write_raw(std::uint32_t number, const sector& data);
    [[nodiscard]] bool flush();

    void set_key(const aes_key& tm_key);
    /// Reads and decrypts a sector of `slot`'s tree and marks it as used by that slot. False: malformed. The
    /// plain bytes begin at sector_container::body_offset.
    [[nodiscard]] bool read_encrypted(std::uint32_t number, unsigned slot, sector& out);
    /// Encrypts under a fresh counter block and writes.
    [[nodiscard]] bool write_encrypted(std::uint32_t number, byte_view plain);

    void clear_use(unsigned slot);
    /// False: the location is not one of the disk's.
    bool mark_use(std::uint32_t number, unsigned slot);
    /// First dynamic sector that neither root uses, marked for `slot`.
    std::optional<std::uint32_t> allocate(unsigned slot);
    bool in_use(std::uint32_t number, unsigned slot) const { return m_use[number] >> slot & 1; }

    std::uint64_t sectors_written() const { return m_sectors_written; }

  private:
    std::optional<std::uint64_t> offset_of(std::uint32_t number) const;
    bool fault(const char* what) const;

    block_file_if& m_disk;
    const behaviour_set& m_behaviours;
    work_meter& m_meter;
    tpm::entropy_if& m_entropy;
    std::optional<sector_container> m_container;
    std::array<std::uint8_t, max_sector> m_use{};  ///< bit per slot
    sector m_buffer{};
    std::uint64_t m_sectors_written = 0;
};

}  // namespace vtwin::models::manager
