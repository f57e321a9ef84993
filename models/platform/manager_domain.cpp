#include "models/platform/manager_domain.h"

#include "models/domain_crash.h"
#include "models/drivers/minios_blkfront.h"
#include "models/drivers/minios_tpm_tis.h"
#include "models/drivers/minios_tpmback.h"
#include "models/vtpmmgr/vtpmmgr.h"

namespace vtwin::models {

manager_domain::manager_domain(sc_core::sc_module_name name, const manager_config& config,
                               const run_context& context)
    : sc_module(name), os("os", context.costs), m_config(config), m_context(context) {
    os.set_main([this] { program(); });
    os.set_log_sink(
        [this](auto severity, const auto& text) { m_context.say(m_config.name, text, severity); });
}

/// Start-up order of stubdom/vtpmmgr: disk, backend, then the TPM driver, whose start-up commands come first.
void manager_domain::program() {
    os.sleep(m_context.drivers.minios_main_sleep);
    minios_blkfront disk(os, m_context.behaviours);
    minios_tpmback clients(os, m_context.behaviours);
    driver_params drivers = m_context.drivers;
    drivers.tis_keeps_locality = m_config.keeps_locality;
    minios_tpm_tis chip(os, m_context.behaviours, tpm::family::tpm12, drivers);
    vtpmmgr_params params;
    params.behaviours = m_context.behaviours;
    params.costs = m_context.costs;
    params.command_line = os.info().command_line;
    params.defaults.tpm_locality = m_config.locality;
    vtpmmgr manager(params, clients, chip, disk, os);
    if (!disk.init()) {
        os.log(stubdom_services_if::level::error, "no disk: shutting down");
        return;
    }
    clients.start(manager.callbacks());
    if (!chip.init(m_config.locality)) {
        os.log(stubdom_services_if::level::error, "the hardware TPM does not answer: shutting down");
        clients.shutdown();
        return;
    }
    try {
        manager.run();
    } catch (const domain_crash& fault) {
        os.panic(fault.what());
    }
    clients.shutdown();
    disk.shutdown();
}

}  // namespace vtwin::models
