#include "traces/recorder.h"

#include "traces/gtkw_writer.h"

namespace vtwin::trace {
recorder::recorder(identify_domain identify, recorder_options options)
    : m_identify(std::move(identify)),
      m_options(options),
      m_wave([this](xen::domid_t id) { return who(id); }),
      m_latency([this](xen::domid_t id) { return who(id); }),
      m_hops([this](xen::domid_t id) { return who(id); }),
      m_packets([this](xen::domid_t id) { return who(id); }, m_hops),
      m_tracks([this](xen::domid_t id) { return who(id); }, m_hops) {
    sc_assert(m_options.latency || !follows_hops());
    if (follows_hops())
        m_latency.on_served = [this](const ring_change& end, const sc_core::sc_time& served) {
            m_hops.served(end.frontend, end.backend, served);
        };
}

// Domain ids are never used again, so asking once is enough.
const domain_identity& recorder::who(xen::domid_t id) {
    const auto [at, fresh] = m_known.try_emplace(id);
    if (fresh)
        at->second = m_identify(id);
    return at->second;
}

void recorder::attach_grants(tlm::tlm_analysis_port<xen::grant_map_change>& port,
                             xen::machine_memory& memory) {
    m_rings = std::make_unique<ring_watch>(memory, [this](const ring_change& what) { ring_changed(what); });
    m_heard.listen(port, [this](const xen::grant_map_change& what) { grant_changed(what); });
}

void recorder::grant_changed(const xen::grant_map_change& what) {
    if (who(what.mapper).role == domain_role::other)
        return;
    if (what.mapped)
        m_rings->mapped(what.mapper, what.granter, what.frame);
    else
        m_rings->unmapped(what.frame);
}

// The table first: it knows since when the request that ends here was worked on.
void recorder::ring_changed(const ring_change& what) {
    if (m_options.waveform)
        m_wave.ring_changed(what);
    if (m_options.latency)
        m_latency.ring_changed(what);
    if (!follows_hops())
        return;
    const auto hop = m_hops.ring_changed(what);
    if (hop && m_options.packets)
        m_packets.ring_changed(what, *hop);
}

void recorder::attach_events(tlm::tlm_analysis_port<xen::evtchn_pending_change>& port) {
    m_heard.listen(port, [this](const xen::evtchn_pending_change& what) {
        if (m_options.waveform && m_options.event_channels)
            m_wave.pending_changed(what);
        if (m_options.latency)
            m_latency.pending_changed(sc_core::sc_time_stamp(), what);
    });
}

void recorder::attach_vcpus(tlm::tlm_analysis_port<xen::vcpu_state_change>& port) {
    m_heard.listen(port, [this](const xen::vcpu_state_change& what) {
        who(what.dom);
        if (m_options.waveform)
            m_wave.vcpu_changed(what);
        if (m_options.tracks)
            m_tracks.vcpu_changed(what);
    });
}

void recorder::attach_disk(tlm::tlm_analysis_port<xen::block_request_done>& port) {
    m_heard.listen(port, [this](const xen::block_request_done& what) {
        if (m_options.waveform)
            m_wave.disk_done(what);
        if (m_options.latency)
            m_latency.disk_done(what);
        if (m_options.tracks)
            m_tracks.disk_done(what);
    });
}

void recorder::attach_tpm(const std::string& name, tlm::tlm_analysis_port<tpm::tis_state>& states,
                          tlm::tlm_analysis_port<tpm::chip_command>& commands) {
    m_heard.listen(states, [this, name](const tpm::tis_state& what) {
        if (m_options.waveform)
            m_wave.tis_changed(name, what);
        if (m_options.tracks)
            m_tracks.tis_changed(name, what);
    });
    m_heard.listen(commands, [this, name](const tpm::chip_command& what) { chip_done(name, what); });
}

void recorder::chip_done(const std::string& name, const tpm::chip_command& what) {
    if (m_options.waveform)
        m_wave.chip_done(name, what);
    if (m_options.latency)
        m_latency.chip_done(what);
    if (!follows_hops())
        return;
    const std::size_t hop = m_hops.chip_done(name, what);
    if (m_options.packets)
        m_packets.chip_done(what, hop);
}

void recorder::attach_bus(const std::string& name, tlm::tlm_analysis_port<tpm::lpc_cycle>& port) {
    m_heard.listen(port, [this, name](const tpm::lpc_cycle& what) {
        if (m_options.waveform)
            m_wave.bus_cycle(name, what);
        if (m_options.latency)
            m_latency.bus_cycle(what);
        if (m_options.tracks)
            m_tracks.bus_cycle(name, what);
    });
}

void recorder::command_issued(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) {
    if (m_options.waveform)
        m_wave.command_in_driver(driver, at, ordinal, false);
    if (m_options.latency)
        m_latency.command_issued(driver, at, ordinal);
    if (follows_hops())
        m_hops.command_issued(driver, at, ordinal);
}

void recorder::command_returned(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) {
    if (m_options.waveform)
        m_wave.command_in_driver(driver, at, ordinal, true);
    if (m_options.latency)
        m_latency.command_returned(driver, at, ordinal);
    if (follows_hops())
        m_hops.command_returned(driver, at);
}

void recorder::engine_done(xen::domid_t vtpm, const tpm::chip_command& what) {
    if (follows_hops())
        m_hops.engine_done(vtpm, what);
}

bool recorder::write_vcd(std::ostream& out) {
    m_wave.writer().advance(sc_core::sc_time_stamp());
    return m_options.waveform && m_wave.writer().finish(out);
}

bool recorder::write_pcapng(std::ostream& out) const {
    return m_options.packets && m_packets.write(out);
}

bool recorder::write_trace_events(std::ostream& out) const {
    return m_options.tracks && m_tracks.write(out, sc_core::sc_time_stamp());
}

void recorder::write_gtkw(std::ostream& out, const std::string& vcd_name) {
    trace::write_gtkw(
        out, vcd_name, m_wave.writer().declarations(),
        {{"drivers", "rings", "tpm", "bus", "vcpus"}, {"events", "disks"}, m_wave.writer().end_ps()});
}

}  // namespace vtwin::trace
