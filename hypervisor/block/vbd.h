// One virtual block device's back end: takes requests off a frontend's ring, has the disk do them, answers.
// Source: xen/include/public/io/blkif.h; timing by cost_profile::blk_*.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "hypervisor/block/blkif.h"
#include "hypervisor/block/disk.h"
#include "hypervisor/machine.h"
#include "hypervisor/observation.h"
#include "hypervisor/service/service_mapping.h"
#include "hypervisor/service/service_port.h"

namespace vtwin::xen {

/// Time: blk_backend after the doorbell's upcall all requests in the ring are taken (grants mapped, data to
/// be written copied); the disk does one after the other in its own service time; each answer follows
/// blk_backend later. A request that is malformed, out of range or refers to pages not granted gets
/// BLKIF_RSP_ERROR and no disk time.
class vbd : public sc_core::sc_module {
  public:
    SC_HAS_PROCESS(vbd);
    vbd(sc_core::sc_module_name name, machine& host, disk_if& disk,
        observation_port<block_request_done>& request_done);

    disk_if& disk() { return m_disk; }

    /// Maps the ring and binds the channel of a frontend. False when either is impossible or a frontend is
    /// connected.
    bool connect(domid_t frontend, grant_ref ring, evtchn_port port, bool writable);
    /// Lets the frontend go. What the disk has begun it finishes, unanswered.
    void disconnect();
    bool connected() const { return m_ring.mapped(); }
    /// False after the frontend moved its producer index by more than the ring: its ring is not looked at any
    /// more.
    bool ring_intact() const { return m_intact; }

  private:
    struct job {
        blkif::request request;
        domid_t frontend{};
        std::uint32_t sectors = 0;
        std::int16_t status = blkif::rsp_okay;
        sc_core::sc_time submitted, due;
        std::vector<service_mapping> pages;
        std::vector<std::byte> data;
        std::uint64_t session = 0;  ///< frontend connection it came from
    };

    void doorbell();
    void step();
    void take_requests();
    void accept(const blkif::request& request);
    std::int16_t check(const blkif::request& request, std::uint32_t& sectors) const;
    std::int16_t map_pages(job& work);
    void copy_in(job& work);
    void copy_out(job& work);
    sc_core::sc_time disk_time(const job& work) const;
    bool do_disk(job& work);
    void complete(job& work);
    void respond(const job& work);
    std::uint32_t read_index(std::size_t at) const;
    void write_index(std::size_t at, std::uint32_t value);

    machine& m_host;
    disk_if& m_disk;
    observation_port<block_request_done>& m_request_done;
    service_mapping m_ring;
    std::unique_ptr<service_port> m_port;
    domid_t m_frontend{};
    bool m_writable = false;
    bool m_intact = true;
    std::uint64_t m_session = 0;
    std::uint32_t m_req_cons = 0, m_rsp_prod = 0;  ///< private: the page's own copies belong to the guest
    std::optional<sc_core::sc_time> m_look_at;     ///< when the ring is looked at next
    sc_core::sc_time m_disk_free;
    std::deque<job> m_jobs;  ///< in the order of the ring
    sc_core::sc_event m_step;
};

}  // namespace vtwin::xen
