// A disk in memory: sparse, with an optional volatile write cache, loaded from and saved to an image file.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hypervisor/block/disk.h"
#include "hypervisor/costs.h"

namespace vtwin::xen {

/// Without cache every write is on the medium at once. With it a write is only cached: visible to reads, gone
/// with power_loss unless flushed before.
class memory_disk final : public disk_if {
  public:
    enum class cache : std::uint8_t { none, volatile_write };

    /// Blank disk of `bytes`, rounded up to whole sectors. `costs` gives the latency.
    memory_disk(std::uint64_t bytes, const cost_profile& costs, cache mode = cache::none);

    std::uint64_t sectors() const override { return m_sectors; }
    bool read(std::uint64_t sector, std::span<std::byte> out) override;
    bool write(std::uint64_t sector, std::span<const std::byte> data) override;
    bool flush() override;
    /// blk_read or blk_write + blk_per_sector * sectors; blk_flush.
    sc_core::sc_time service_time(disk_operation what, std::uint32_t sectors) const override;

    /// Drops what is only in the cache.
    void power_loss() { m_cached.clear(); }
    std::size_t cached_sectors() const { return m_cached.size(); }

    /// Content of the medium from the start; longer content than the disk is refused (false).
    bool set_content(std::span<const std::byte> content);
    /// What is on the medium (not in the cache).
    std::vector<std::byte> content() const;
    /// Image files hold the medium byte for byte. False when the file cannot be read or written, or is too
    /// long.
    bool load(const std::string& file);
    bool save(const std::string& file) const;

  private:
    static constexpr std::size_t sectors_per_chunk = 8;
    using chunk = std::array<std::byte, sectors_per_chunk * sector_size>;

    bool in_range(std::uint64_t sector, std::size_t bytes) const;
    void read_medium(std::uint64_t sector, std::span<std::byte> out) const;
    void write_medium(std::uint64_t sector, std::span<const std::byte> data);

    std::uint64_t m_sectors;
    sc_core::sc_time m_read_time, m_write_time, m_sector_time, m_flush_time;
    cache m_mode;
    std::vector<std::unique_ptr<chunk>> m_medium;  ///< null: zeros
    std::map<std::uint64_t, std::array<std::byte, sector_size>> m_cached;
};

}  // namespace vtwin::xen
