#include "hypervisor/block/memory_disk.h"

#include <algorithm>
#include <cstring>
#include <fstream>

namespace vtwin::xen {

memory_disk::memory_disk(std::uint64_t bytes, const cost_profile& costs, cache mode)
    : m_sectors((bytes + sector_size - 1) / sector_size),
      m_read_time(costs.blk_read),
      m_write_time(costs.blk_write),
      m_sector_time(costs.blk_per_sector),
      m_flush_time(costs.blk_flush),
      m_mode(mode),
      m_medium((m_sectors + sectors_per_chunk - 1) / sectors_per_chunk) {}

bool memory_disk::in_range(std::uint64_t sector, std::size_t bytes) const {
    return bytes % sector_size == 0 && sector <= m_sectors && bytes / sector_size <= m_sectors - sector;
}

void memory_disk::read_medium(std::uint64_t sector, std::span<std::byte> out) const {
    for (; !out.empty(); ++sector, out = out.subspan(sector_size)) {
        const auto& chunk = m_medium[sector / sectors_per_chunk];
        if (chunk) {
            std::memcpy(out.data(), chunk->data() + sector % sectors_per_chunk * sector_size, sector_size);
        } else {
            std::memset(out.data(), 0, sector_size);
        }
    }
}

void memory_disk::write_medium(std::uint64_t sector, std::span<const std::byte> data) {
    for (; !data.empty(); ++sector, data = data.subspan(sector_size)) {
        auto& chunk = m_medium[sector / sectors_per_chunk];
        if (!chunk) {
            chunk = std::make_unique<memory_disk::chunk>();
        }
        std::memcpy(chunk->data() + sector % sectors_per_chunk * sector_size, data.data(), sector_size);
    }
}

bool memory_disk::read(std::uint64_t sector, std::span<std::byte> out) {
    if (!in_range(sector, out.size())) {
        return false;
    }
    read_medium(sector, out);
    const auto end = m_cached.lower_bound(sector + out.size() / sector_size);
    for (auto at = m_cached.lower_bound(sector); at != end; ++at) {
        std::copy(at->second.begin(), at->second.end(), out.begin() + (at->first - sector) * sector_size);
    }
    return true;
}

bool memory_disk::write(std::uint64_t sector, std::span<const std::byte> data) {
    if (!in_range(sector, data.size())) {
        return false;
    }
    if (m_mode == cache::none) {
        write_medium(sector, data);
        return true;
    }
    for (; !data.empty(); ++sector, data = data.subspan(sector_size)) {
        std::copy_n(data.begin(), sector_size, m_cached[sector].begin());
    }
    return true;
}

bool memory_disk::flush() {
    for (const auto& [sector, data] : m_cached) {
        write_medium(sector, data);
    }
    m_cached.clear();
    return true;
}

sc_core::sc_time memory_disk::service_time(disk_operation what, std::uint32_t sectors) const {
    switch (what) {
        case disk_operation::read:
            return m_read_time + sectors * m_sector_time;
        case disk_operation::write:
            return m_write_time + sectors * m_sector_time;
        case disk_operation::flush:
            break;
    }
    return m_flush_time;
}

bool memory_disk::set_content(std::span<const std::byte> content) {
    if (content.size() > m_sectors * sector_size) {
        return false;
    }
    std::vector<std::byte> whole(content.begin(), content.end());
    whole.resize((whole.size() + sector_size - 1) / sector_size * sector_size);
    std::fill(m_medium.begin(), m_medium.end(), nullptr);
    m_cached.clear();
    for (std::uint64_t sector = 0; sector * sector_size < whole.size(); ++sector) {
        const auto data = std::span<const std::byte>(whole).subspan(sector * sector_size, sector_size);
        const auto is_zero = [](std::byte b) { return b == std::byte{}; };
        if (!std::all_of(data.begin(), data.end(), is_zero)) {
            write_medium(sector, data);  // blank sectors stay without memory
        }
    }
    return true;
}

std::vector<std::byte> memory_disk::content() const {
    std::vector<std::byte> all(m_sectors * sector_size);
    read_medium(0, all);
    return all;
}

bool memory_disk::load(const std::string& file) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) {
        return false;
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(in.tellg()));
    in.seekg(0);
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return in.good() && set_content(bytes);
}

bool memory_disk::save(const std::string& file) const {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    const auto bytes = content();
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    out.close();
    return !out.fail();
}

}  // namespace vtwin::xen
