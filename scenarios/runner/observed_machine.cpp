#include "scenarios/runner/observed_machine.h"

#include <algorithm>

namespace vtwin::scenario {

observed_machine::observed_machine(models::platform& machine, const models::run_config& config,
                                   trace::recorder_options recorded)
    : m_machine(machine), m_config(config), m_recorder(identify(), recorded) {
    auto& hypervisor = machine.hypervisor();
    m_recorder.attach_grants(hypervisor.grants, hypervisor.memory());
    // The latency table needs these too: events tell ring from backend, a first run names a domain.
    m_recorder.attach_events(hypervisor.pending);
    m_recorder.attach_vcpus(hypervisor.vcpu_states);
    m_recorder.attach_disk(machine.block_backend().request_done);
    m_recorder.attach_tpm("hardware", machine.hardware().tis().states, machine.hardware().tis().commands);
    m_recorder.attach_bus("lpc", machine.hardware().bus().cycles);
    for (auto* guest : machine.linux_domains())
        guest->on_command(hear(guest->os, trace::tpm_device::vtpm));
    machine.dom0().on_hardware_command(hear(machine.dom0().os, trace::tpm_device::hardware));
    for (const auto& vtpm : machine.vtpms())
        vtpm->on_executed([this, &os = vtpm->os](const tpm::chip_command& what) {
            m_recorder.engine_done(os.info().domid, what);
        });
}

models::linux_tpm_chip::command_hook observed_machine::hear(const models::kernel& os,
                                                            trace::tpm_device device) {
    return [this, &os, device](auto end, const auto& at, std::uint32_t ordinal) {
        const trace::driver_id driver(os.info().domid, device);
        if (end == models::linux_tpm_chip::command_end::issued)
            m_recorder.command_issued(driver, at, ordinal);
        else
            m_recorder.command_returned(driver, at, ordinal);
    };
}

trace::identify_domain observed_machine::identify() const {
    return [this](xen::domid_t domid) {
        trace::domain_identity who{m_machine.name_of(domid), trace::domain_role::other};
        if (who.name == m_config.machine.manager.name)
            who.role = trace::domain_role::manager;
        else if (std::ranges::count(m_config.machine.vtpms, who.name, &models::vtpm_config::name) != 0)
            who.role = trace::domain_role::vtpm;
        return who;
    };
}

}  // namespace vtwin::scenario
