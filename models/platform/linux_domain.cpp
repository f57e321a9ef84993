#include "models/platform/linux_domain.h"

#include "models/drivers/minios_tpmfront.h"
#include "models/guest/pv_grub.h"

namespace vtwin::models {

using level = stubdom_services_if::level;

linux_domain::linux_domain(sc_core::sc_module_name name, std::string label, const run_context& context)
    : sc_module(name),
      os("os", context.costs, kernel_flavour::linux_pv),
      m_context(context),
      m_name(std::move(label)) {
    os.set_main([this] { main_thread(); });
    os.set_log_sink([this](auto severity, const auto& text) { m_context.say(m_name, text, severity); });
}

void linux_domain::main_thread() {
    m_tpm.reset();
    m_bus.reset();
    if (!boot_loader()) {
        os.log(level::error, "measured boot failed: the kernel is not started");
        os.shut_down(xen::shutdown_reason::crash);
    }
    m_bus = std::make_unique<linux_xenbus>(os);
    m_tpm = std::make_unique<linux_tpmfront>(os, *m_bus, m_context.behaviours, drivers());
    if (m_command_hook)
        m_tpm->chip().on_command(m_command_hook);
    if (m_answer_hook)
        m_tpm->chip().on_answer(m_answer_hook);
    m_bus->start();
    m_bus->register_driver(*m_tpm);
    user_space();
}

guest_domain::guest_domain(sc_core::sc_module_name name, const guest_config& config,
                           const run_context& context, remote_parties& parties)
    : linux_domain(name, config.name, context),
      m_config(config),
      m_entropy(context.seed, std::string(this->name()) + ".entropy"),
      m_network(os, parties, context.costs.network_latency) {}

/// pv-grub measures only when the guest has a vTPM at boot. It is a mini-os program; here it runs on the
/// kernel that Linux will use, with mini-os' tpmfront.
bool guest_domain::boot_loader() {
    m_boot_log.clear();
    if (m_config.attach_after || m_for_client)
        return true;
    minios_tpmfront front(os, m_context.behaviours, m_context.drivers);
    if (!front.init()) {
        os.log(level::warning, "no vTPM: nothing is measured");
        return true;
    }
    bool complete = false;
    m_boot_log = measure_boot(m_config, front, complete);
    front.shutdown();
    os.log(level::info, complete ? "kernel, command line and initrd measured into PCR 4 and 5"
                                 : "a measurement was refused");
    return complete;
}

void guest_domain::user_space() {
    m_agent.reset();
    m_measurements.reset();
    m_device = std::make_unique<transport_watch>(tpm());
    if (m_for_client) {
        tpm().wait_until_present();
        user_program(*this);
        on_finished();
        return;
    }
    const bool late = m_config.attach_after.has_value();
    if (!late)
        tpm().wait_until_present();
    const linux_tpm_chip& chip = tpm().chip();
    m_measurements = std::make_unique<measurement_list>(
        late ? nullptr : &tpm(), m_entropy, chip.is_tpm20() ? std::optional(chip.banks()) : std::nullopt);
    m_measurements->begin();
    run_workload(m_config, *m_measurements, os);
    if (late) {
        tpm().wait_until_present();
        os.log(level::info, "a vTPM was attached to the running guest");
    }
    make_agent();
    const bool load_first = m_config.load && m_config.load->before_attestation;
    if (load_first)
        carry_load();
    on_attestation();
    if (m_config.attestations != 0)
        run_attestations(m_config, *m_agent, own_claims(), os, on_outcome);
    if (m_config.load && !load_first)
        carry_load();
    user_program(*this);
    on_finished();
}

evidence guest_domain::own_claims() const {
    evidence claims;
    claims.boot_log = m_boot_log;
    if (m_measurements)
        claims.ima_log = ascii_runtime_measurements(m_measurements->entries());
    claims.vtpm_attached_late = m_config.attach_after.has_value();
    return claims;
}

attestation_outcome guest_domain::attest(evidence claims) {
    const evidence own = own_claims();
    if (claims.firmware_log.empty())
        claims.boot_log = own.boot_log;
    if (claims.ima_log.empty())
        claims.ima_log = own.ima_log;
    claims.vtpm_attached_late = own.vtpm_attached_late;
    if (!m_agent)
        make_agent();
    attestation_outcome outcome;
    outcome.guest = m_config.name;
    outcome.asked = os.now();
    if (m_agent->enrol(outcome.problem))
        outcome = attest_once(m_config, *m_agent, std::move(claims), os);
    else
        outcome.answered = os.now();
    if (!outcome.completed)
        m_agent.reset();  // whoever else uses the TPM may have thrown its keys out: the next one begins anew
    on_outcome(outcome);
    return outcome;
}

void guest_domain::make_agent() {
    if (tpm().chip().is_tpm20())
        m_agent = std::make_unique<attestation_agent20>(m_config.name, *m_device, m_network, m_entropy, os,
                                                        m_files20);
    else
        m_agent = std::make_unique<attestation_agent>(m_config.name, *m_device, m_network, m_entropy, os,
                                                      m_files, m_config.quote);
}

driver_params guest_domain::drivers() const {
    driver_params params = m_context.drivers;
    params.linux_hwrng = params.linux_hwrng && m_config.hwrng && !m_for_client;
    params.linux_probes_tpm20 = m_config.vtpm_version == tpm::family::tpm20;
    return params;
}

void guest_domain::carry_load() {
    workload load(*m_config.load, *m_device, *m_agent, os,
                  chance_stream(m_context.seed, std::string(name()) + ".load"),
                  tpm().chip().is_tpm20() ? tpm::family::tpm20 : tpm::family::tpm12);
    load.on_operation = on_load_operation;
    load.on_begun = [this] { on_load(true); };
    std::string problem;
    if (!load.run(problem))
        os.log(level::error, "no load: " + problem);
    on_load(false);
}

dom0_domain::dom0_domain(sc_core::sc_module_name name, const run_context& context, remote_parties& parties,
                         std::optional<std::uint32_t> tpm_locality)
    : linux_domain(name, "dom0", context),
      m_tpm_locality(tpm_locality),
      m_network(os, parties, context.costs.network_latency),
      m_console(os) {}

void dom0_domain::user_space() {
    if (m_tpm_locality)
        start_tis_driver();
    if (user_program)
        listen_to_console();
    if (m_plan)
        provision();
    if (user_program)
        user_program(*this);
}

/// The chip does not feed the kernel's random pool: the commands that are seen at it are those that somebody
/// asked for.
void dom0_domain::start_tis_driver() {
    driver_params params = drivers();
    params.linux_hwrng = false;
    m_tis = std::make_unique<linux_tpm_tis>(os, *m_tpm_locality, params);
    if (m_hardware_hook)
        m_tis->chip().on_command(m_hardware_hook);
    m_chip_found = m_tis->init() == 0;
}

void dom0_domain::provision() {
    tpm().wait_until_present();
    administrator administrator(*m_plan, tpm(), m_network, os);
    std::string problem;
    if (administrator.provision(problem))
        problem.clear();
    on_provisioned(problem);
}

void dom0_domain::listen_to_console() {
    xen::evtchn_port port{};
    if (os.ports.hypercall->evtchn_bind_virq(xen::virq::console, port) != 0)
        os.panic("no console");
    os.bind_handler(port, [this] { m_console.wake(); });
    os.unmask(port);
}

}  // namespace vtwin::models
