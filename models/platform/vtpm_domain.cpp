#include "models/platform/vtpm_domain.h"

#include "models/domain_crash.h"
#include "models/drivers/minios_blkfront.h"
#include "models/drivers/minios_tpmback.h"
#include "models/drivers/minios_tpmfront.h"
#include "models/vtpm/vtpm_stubdom.h"

namespace vtwin::models {

namespace {

std::uint32_t buffer_size(const vtpm_config& config) {
    constexpr std::uint32_t emulator = 4096;  // the TPM 1.2 program itself says 4088 instead
    return config.version == tpm::family::tpm20 ? vtpm20::buffer_size : emulator;
}

}  // namespace

vtpm_domain::vtpm_domain(sc_core::sc_module_name name, const vtpm_config& config, const run_context& context,
                         tpm::libtpms_host& library)
    : sc_module(name),
      os("os", context.costs),
      m_config(config),
      m_context(context),
      m_engine(library, {this->name(), config.version, buffer_size(config)}, m_entropy, [this] {
          return static_cast<std::uint64_t>(os.now() / sc_core::sc_time(1, sc_core::SC_NS));
      }) {
    os.set_main([this] { program(); });
    os.set_log_sink(
        [this](auto severity, const auto& text) { m_context.say(m_config.name, text, severity); });
}

/// Start-up order of stubdom/vtpm: the backend first, then the manager, then the disk.
void vtpm_domain::program() {
    m_program = nullptr;
    m_entropy.disconnect();
    m_engine.power_off();
    os.sleep(m_context.drivers.minios_main_sleep);
    minios_tpmback clients(os, m_context.behaviours);
    clients.start();
    minios_tpmfront manager(os, m_context.behaviours, m_context.drivers);
    if (!manager.init()) {
        os.log(stubdom_services_if::level::error, "no manager: shutting down");
        clients.shutdown();
        return;
    }
    minios_blkfront disk(os, m_context.behaviours);
    vtpm_params params;
    params.behaviours = m_context.behaviours;
    params.costs = m_context.costs;
    params.save_after_command = m_save_after_command;
    params.on_executed = m_executed;
    params.open_disk = [&disk] { return disk.init(); };
    vtpm_stubdom vtpm(params, os.info().command_line, m_engine, m_entropy, clients, manager, disk, os);
    m_program = &vtpm;
    try {
        vtpm.run();
    } catch (const domain_crash& fault) {
        os.panic(fault.what());
    }
    m_program = nullptr;
    m_entropy.disconnect();
    disk.shutdown();
    manager.shutdown();
    clients.shutdown();
}

void vtpm_domain::tpm_init() {
    sc_assert(serving());
    m_program->tpm_init();
}

bool vtpm_domain::started_fresh() const {
    sc_assert(serving());
    return m_program->started_fresh();
}

}  // namespace vtwin::models
