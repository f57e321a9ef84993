// mini-os blkfront: a virtual disk as a file with byte offsets, every call synchronous.
// Source: mini-os blkfront.c; public/io/blkif.h and ring.h. The defects are switches (blkfront.*).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/behaviours/behaviours.h"
#include "models/drivers/driver_params.h"
#include "models/kernel/kernel.h"
#include "models/kernel/xenbus_client.h"
#include "models/ports.h"

namespace vtwin::models {

/// A transfer of whole pages at a sector boundary goes out directly, up to 44 KiB a request: so are the
/// aligned buffers of the programs. Everything else goes through one bounce page, sector by sector, partial
/// sectors read first.
class minios_blkfront final : public block_file_if {
  public:
    static constexpr std::size_t max_segments = 11, ring_entries = 32;

    minios_blkfront(kernel& owner, const behaviour_set& behaviours);

    /// init_blkfront: publishes the ring and waits for the backend without limit. False when the backend
    /// refused.
    bool init(const std::string& node = "device/vbd/768");
    /// shutdown_blkfront.
    void shutdown();
    bool writable() const { return m_writable; }

    std::uint64_t size() const override { return m_sectors * m_sector_size; }
    std::uint32_t sector_size() const override { return m_sector_size; }
    bool read(std::uint64_t offset, std::span<std::byte> out) override;
    bool write(std::uint64_t offset, byte_view data) override;
    bool flush() override;

  private:
    struct completion {
        bool done = false;
        std::int16_t status = 0;
    };
    struct segment {
        xen::grant_ref ref{};
        std::uint8_t first = 0, last = 0;
    };

    bool publish();
    bool wait_for_backend(xen::xenbus_state state);
    void read_parameters();
    std::uint64_t submit(std::uint8_t operation, std::uint64_t sector, std::span<const segment> segments);
    bool request(std::uint8_t operation, std::uint64_t sector, std::span<const segment> segments);
    void poll_responses();
    void take_response(std::uint32_t index);

    bool in_range(std::uint64_t offset, std::size_t length) const;
    bool is_direct(std::uint64_t offset, std::size_t length) const;
    bool transfer_pages(std::uint8_t operation, std::uint64_t offset, std::span<std::byte> data);
    bool one_sector(std::uint8_t operation, std::uint64_t sector);
    bool write_sector_part(std::uint64_t offset, byte_view part);
    bool write_whole(std::uint64_t offset, byte_view data);
    bool passed_on(bool ok) const;

    kernel& m_kernel;
    const behaviour_set& m_behaviours;
    watch_queue m_events;
    wait_queue m_changed;
    std::string m_node, m_backend_path;
    xen::domid_t m_backend{};
    std::optional<xen::gfn_t> m_ring_page, m_bounce;
    xen::grant_ref m_ring_ref{};
    xen::evtchn_port m_port{};
    std::uint16_t m_handle = 0;
    std::uint64_t m_sectors = 0;
    std::uint32_t m_sector_size = 512;
    bool m_writable = false, m_flush = false, m_barrier = false;

    std::uint32_t m_req_prod = 0, m_rsp_cons = 0;
    std::uint64_t m_next_id = 0;
    std::map<std::uint64_t, completion> m_outstanding;
};

}  // namespace vtwin::models
