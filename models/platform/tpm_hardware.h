// The machine's hardware TPM with its bus: a chip personality over libtpms, made, provisioned with an
// endorsement key and certified by its manufacturer before the machine is switched on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <systemc>

#include "models/chance.h"
#include "models/firmware/bare_metal_bus.h"
#include "models/platform/wires.h"
#include "models/ports.h"
#include "tpm/bus/bus_master.h"
#include "tpm/bus/lpc_bus.h"
#include "tpm/chip_profile.h"
#include "tpm/engine/libtpms_engine.h"
#include "tpm/tis/tis_device.h"

namespace vtwin::models {

/// Two masters on one bus: the firmware before Xen runs, and Xen's domains after it. Adds no time. On the bus
/// a domain's transaction says so by a bus_master, whose number is the domain's id; the firmware's has none.
class bus_junction final : public sc_core::sc_module {
  public:
    tlm_utils::simple_target_socket<bus_junction> firmware, hypervisor;
    tlm_utils::simple_initiator_socket<bus_junction> bus;

    explicit bus_junction(sc_core::sc_module_name name);

  private:
    void forward(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
        bus->b_transport(transaction, delay);
    }
    void forward_domain(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);

    tpm::bus_master m_master;  ///< lent to the transactions of domains
};

class tpm_hardware final : public sc_core::sc_module {
  public:
    tpm_hardware(sc_core::sc_module_name name, tpm::libtpms_host& library, const tpm::chip_profile& profile,
                 std::uint64_t seed, const sc_core::sc_time& access_cost, wire_inserter& wires);

    /// What the factory does: powers the chip, enables and activates it, makes the endorsement key. Returns
    /// the public EK (TPM_PUBKEY); empty with `problem` when the chip refused.
    bytes manufacture(std::string& problem);

    /// Where Xen's memory-mapped I/O goes in.
    tlm_utils::simple_target_socket<bus_junction>& host() { return m_junction.hypervisor; }
    xen::mmio_if& firmware_bus() { return m_firmware_bus; }
    tpm::libtpms_engine& engine() { return m_engine; }
    tpm::tis_device& tis() { return m_tis; }
    tpm::lpc_bus& bus() { return m_bus; }
    const tpm::chip_profile& profile() const { return m_profile; }
    /// One octet of a dynamic launch: the processor's own write to the page of locality 4. Does not wait: its
    /// time on the bus is added to `delay`.
    void launch_cycle(std::uint16_t offset, std::byte value, sc_core::sc_time& delay) {
        constexpr std::uint64_t page = tpm::lpc_bus::window_base + 0x4000;
        m_firmware_bus.write_special(page + offset, value, delay);
    }

  private:
    const tpm::chip_profile& m_profile;
    chance_stream m_entropy, m_timing, m_factory;
    tpm::libtpms_engine m_engine;
    bare_metal_bus m_firmware_bus;
    bus_junction m_junction;
    tpm::lpc_bus m_bus;
    tpm::tis_device m_tis;
};

}  // namespace vtwin::models
