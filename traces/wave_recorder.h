// The signals of a machine as a waveform: names of things are scopes, their states are values.
#pragma once

#include <map>
#include <string>

#include "hypervisor/ports.h"
#include "tpm/ports.h"
#include "traces/ports.h"
#include "traces/ring_watch.h"
#include "traces/vcd_writer.h"

namespace vtwin::trace {

/// Scopes: vcpus.<domain>, events.<domain>, rings.<frontend>, disks.<domain>, tpm.<name>, bus.<name>.
/// Every enumeration has its words in a signal of their own, so that no filter file is needed.
class wave_recorder {
  public:
    explicit wave_recorder(identify_domain identify) : m_identify(std::move(identify)) {}

    void vcpu_changed(const xen::vcpu_state_change& what);
    void pending_changed(const xen::evtchn_pending_change& what);
    void ring_changed(const ring_change& what);
    void disk_done(const xen::block_request_done& what);
    void bus_cycle(const std::string& bus, const tpm::lpc_cycle& what);
    void tis_changed(const std::string& tpm, const tpm::tis_state& what);
    void chip_done(const std::string& tpm, const tpm::chip_command& what);
    void command_in_driver(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal,
                           bool returned);

    vcd_writer& writer() { return m_vcd; }

  private:
    using signal = vcd_writer::signal;
    struct vcpu_signals {
        signal state, running, pcpu;
    };
    struct ring_signals {
        signal state, state_code, length, locality, command, code;
    };
    struct disk_signals {
        signal last, sector, sectors, service_ns, status, count;
    };
    struct bus_signals {
        signal busy, write, address, reg, data;
    };
    struct tpm_signals {
        signal fsm, fsm_code, locality, access[5], sts, burst_count, int_status, command, result;
    };

    sc_core::sc_time now();  ///< also promises the writer that nothing earlier comes
    const std::string& name(xen::domid_t id);
    signal wire(const std::string& path, unsigned width);
    signal text(const std::string& path);
    vcpu_signals& vcpu(xen::domid_t id);
    ring_signals& ring(xen::domid_t frontend);
    disk_signals& disk(xen::domid_t id);
    bus_signals& bus(const std::string& name);
    tpm_signals& tpm(const std::string& name);

    identify_domain m_identify;
    vcd_writer m_vcd;
    std::map<std::string, signal> m_signals;  ///< by path: a restarted domain goes on in its old signals
    std::map<xen::domid_t, std::string> m_names;
    std::map<xen::domid_t, vcpu_signals> m_vcpus;
    std::map<std::pair<xen::domid_t, xen::evtchn_port>, signal> m_ports;
    std::map<xen::domid_t, ring_signals> m_rings;
    std::map<xen::domid_t, disk_signals> m_disks;
    std::map<xen::domid_t, std::uint64_t> m_disk_requests;
    std::map<std::string, bus_signals> m_buses;
    std::map<std::string, tpm_signals> m_tpms;
    std::map<driver_id, signal> m_drivers;
};

}  // namespace vtwin::trace
