#include "models/platform/tpm_hardware.h"

#include <fmt/format.h>

#include "hypervisor/mmio_origin.h"
#include "tpm/codec/tpm12_client.h"
#include "tpm/engine/firmware12.h"

namespace vtwin::models {

using sc_core::sc_module_name;
using sc_core::sc_time;

bus_junction::bus_junction(sc_module_name name)
    : sc_module(name), firmware("firmware"), hypervisor("hypervisor"), bus("bus") {
    firmware.register_b_transport(this, &bus_junction::forward);
    hypervisor.register_b_transport(this, &bus_junction::forward_domain);
}

void bus_junction::forward_domain(tlm::tlm_generic_payload& transaction, sc_time& delay) {
    if (const auto* origin = transaction.get_extension<xen::mmio_origin>()) {
        m_master.number = xen::to_underlying(origin->domain);
        transaction.set_extension(&m_master);
    }
    forward(transaction, delay);
    transaction.clear_extension<tpm::bus_master>();
}

tpm_hardware::tpm_hardware(sc_module_name name, tpm::libtpms_host& library, const tpm::chip_profile& profile,
                           std::uint64_t seed, const sc_time& access_cost, wire_inserter& wires)
    : sc_module(name),
      m_profile(profile),
      m_entropy(seed, std::string(this->name()) + ".entropy"),
      m_timing(seed, std::string(this->name()) + ".timing"),
      m_factory(seed, std::string(this->name()) + ".factory"),
      m_engine(
          library, {this->name(), profile.version, profile.buffer_size},
          wires.entropy("tpm.entropy", m_entropy),
          [] { return static_cast<std::uint64_t>(sc_core::sc_time_stamp() / sc_time(1, sc_core::SC_NS)); }),
      m_firmware_bus("firmware_bus", access_cost),
      m_junction("junction"),
      m_bus("bus", profile),
      m_tis("tis", profile, wires.engine("tpm", m_engine), m_timing) {
    m_engine.place_nv_behind(wires.nv("tpm", m_engine.nv()));
    m_firmware_bus.socket.bind(m_junction.firmware);
    m_junction.bus.bind(m_bus.host);
    m_bus.device.bind(m_tis.socket);
}

bytes tpm_hardware::manufacture(std::string& problem) {
    m_engine.erase();
    m_engine.power_cycle();
    if (const auto code = tpm::make_ready_for_use(m_engine); code != 0) {
        problem = fmt::format("the chip cannot be made ready: code {}", code);
        return {};
    }
    tpm::tpm12::client client([this](byte_view command) { return m_engine.execute(command, 0); }, m_factory);
    auto ek = client.create_endorsement_key_pair();
    if (!ek)
        problem = fmt::format("TPM_CreateEndorsementKeyPair answered {}", ek.code);
    m_engine.power_cycle();  // as it leaves the factory: the machine's firmware finds it after TPM_Init
    return ek ? ek.value.encode() : bytes{};
}

}  // namespace vtwin::models
