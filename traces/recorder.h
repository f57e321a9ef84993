// The recorder: sits on the observation ports of a machine, writes nothing into it, and keeps what it saw for
// the exports (waveform, layout, latency table, packets, tracks).
#pragma once

#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <systemc>
#include <tlm>
#include <vector>

#include "traces/latency_table.h"
#include "traces/packet_capture.h"
#include "traces/subscriptions.h"
#include "traces/track_recorder.h"
#include "traces/wave_recorder.h"

namespace vtwin::trace {

struct recorder_options {
    bool waveform = true;
    bool latency = true;
    bool event_channels = true;  ///< pending bits in the waveform
    bool packets = false;        ///< what crossed the rings and the bus; needs `latency`
    bool tracks = false;         ///< who was busy with what; needs `latency`
};

/// Attach during elaboration (analysis ports are bound there); export after the simulation. Has to outlive
/// the simulation, and be destroyed before the machine whose memory it watches.
class recorder final : public command_observer_if {
  public:
    recorder(identify_domain identify, recorder_options options = {});
    recorder(const recorder&) = delete;
    recorder& operator=(const recorder&) = delete;

    // ---- wires; the ports are those of xen::machine, xen's blkback, tpm::tis_device and tpm::lpc_bus
    void attach_grants(tlm::tlm_analysis_port<xen::grant_map_change>& port, xen::machine_memory& memory);
    void attach_events(tlm::tlm_analysis_port<xen::evtchn_pending_change>& port);
    void attach_vcpus(tlm::tlm_analysis_port<xen::vcpu_state_change>& port);
    void attach_disk(tlm::tlm_analysis_port<xen::block_request_done>& port);
    void attach_tpm(const std::string& name, tlm::tlm_analysis_port<tpm::tis_state>& states,
                    tlm::tlm_analysis_port<tpm::chip_command>& commands);
    void attach_bus(const std::string& name, tlm::tlm_analysis_port<tpm::lpc_cycle>& port);

    // ---- drivers' calls
    void command_issued(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) override;
    void command_returned(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) override;
    // ---- and what the TPM in a vTPM's domain executes
    void engine_done(xen::domid_t vtpm, const tpm::chip_command& what);

    /// Who a domain is: one answer for everything that is recorded.
    const domain_identity& who(xen::domid_t id);

    // ---- exports
    /// False when the waveform is off or writing failed. Once only.
    bool write_vcd(std::ostream& out);
    void write_gtkw(std::ostream& out, const std::string& vcd_name);
    /// False when packets (tracks) are not recorded or writing failed.
    bool write_pcapng(std::ostream& out) const;
    bool write_trace_events(std::ostream& out) const;
    void write_latency_csv(std::ostream& out) const { m_latency.write_csv(out); }
    std::vector<latency_row> latency_rows() const { return m_latency.rows(); }
    std::vector<latency_row> unanswered() const { return m_latency.unanswered(); }

  private:
    bool follows_hops() const { return m_options.packets || m_options.tracks; }
    void grant_changed(const xen::grant_map_change& what);
    void ring_changed(const ring_change& what);
    void chip_done(const std::string& name, const tpm::chip_command& what);

    identify_domain m_identify;
    recorder_options m_options;
    std::map<xen::domid_t, domain_identity> m_known;
    wave_recorder m_wave;
    latency_table m_latency;
    hop_log m_hops;
    packet_capture m_packets;
    track_recorder m_tracks;
    std::unique_ptr<ring_watch> m_rings;
    subscriptions m_heard;
};

}  // namespace vtwin::trace
