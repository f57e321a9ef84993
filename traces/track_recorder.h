// What every domain, vCPU, TPM and bus was busy with, as tracks of slices with arrows between them:
// trace.json.
#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "hypervisor/ports.h"
#include "tpm/ports.h"
#include "traces/hop_log.h"
#include "traces/track_sheet.h"

namespace vtwin::trace {

/// A process per domain with the tracks vCPU, commands, requests, serving, disk and, of a vTPM, its TPM's
/// executions; one per chip with its interface's state and its executions; one per bus. traces/README.md says
/// what a slice means.
class track_recorder {
  public:
    /// `hops` must outlive this.
    track_recorder(identify_domain identify, const hop_log& hops)
        : m_identify(std::move(identify)), m_hops(hops) {}

    void vcpu_changed(const xen::vcpu_state_change& what);
    void disk_done(const xen::block_request_done& what);
    void bus_cycle(const std::string& bus, const tpm::lpc_cycle& what);
    void tis_changed(const std::string& tpm, const tpm::tis_state& what);

    /// The file, up to now: what is not over ends there. False when a write failed.
    bool write(std::ostream& out, const sc_core::sc_time& now) const;

  private:
    struct vcpu_span {
        std::uint64_t begin_ps = 0, end_ps = 0;
        xen::vcpu_state_change::state state{};
        int pcpu = -1;
    };
    struct vcpu_track {  // while it runs or wants to; a session has tens of spans per command
        std::vector<vcpu_span> spans;
        std::optional<vcpu_span> open;
    };
    struct tis_moment {
        std::uint64_t at_ps = 0;
        tpm::tis_state::fsm state{};
        int locality = -1;
    };
    struct bus_burst {  // cycles with less than `burst_gap_ps` between them
        std::uint64_t begin_ps = 0, end_ps = 0, cycles = 0, writes = 0, fifo_writes = 0, fifo_reads = 0;
    };
    struct disk_request {
        std::uint64_t begin_ps = 0, end_ps = 0, sector = 0;
        std::uint32_t sectors = 0;
        const char* kind = "";
        bool ok = true;
    };

    static void draw_vcpu(trace_event_writer& file, trace_track where, const vcpu_track& vcpu,
                          std::uint64_t now_ps);
    static void draw_tis(trace_event_writer& file, trace_track where, const std::vector<tis_moment>& moments,
                         std::uint64_t now_ps);
    static void draw_bus(trace_event_writer& file, trace_track where, const std::vector<bus_burst>& bursts);
    static void draw_disk(track_sheet& sheet, const std::vector<disk_request>& requests);

    identify_domain m_identify;
    const hop_log& m_hops;
    std::map<xen::domid_t, vcpu_track> m_vcpus;
    std::map<xen::domid_t, std::vector<disk_request>> m_disks;
    std::map<std::string, std::vector<tis_moment>> m_tis;
    std::map<std::string, std::vector<bus_burst>> m_buses;
};

}  // namespace vtwin::trace
