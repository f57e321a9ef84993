// A vTPM stub domain: mini-os, its drivers, the vTPM program and the TPM engine behind it.
#pragma once

#include <functional>
#include <memory>
#include <systemc>

#include "models/kernel/kernel.h"
#include "models/platform/config.h"
#include "models/platform/run_context.h"
#include "models/vtpm/entropy_relay.h"
#include "tpm/engine/libtpms_engine.h"

namespace vtwin::models {

class vtpm_stubdom;

class vtpm_domain final : public sc_core::sc_module {
  public:
    vtpm_domain(sc_core::sc_module_name name, const vtpm_config& config, const run_context& context,
                tpm::libtpms_host& library);

    kernel os;  ///< its ports are bound in platform

    tpm::libtpms_engine& engine() { return m_engine; }
    const vtpm_config& config() const { return m_config; }
    /// Its program runs: false before it has come up, and once the domain has crashed or was destroyed.
    bool serving() const { return m_program != nullptr && os.running(); }
    /// TPM_Init by the board that the vTPM stands for: volatile state is lost, and TPM_Startup is the guest's
    /// to send. Between two commands, only while it serves.
    void tpm_init();
    /// The program found no state of its TPM and made a new one. Only while it serves.
    bool started_fresh() const;
    /// For an observer: each client's command that the TPM has executed (vtpm_params::on_executed).
    void on_executed(std::function<void(const tpm::chip_command&)> hook) { m_executed = std::move(hook); }
    /// Without saves: for measuring the path alone.
    void set_save_after_command(bool on) { m_save_after_command = on; }

  private:
    void program();

    const vtpm_config& m_config;
    const run_context& m_context;
    entropy_relay m_entropy;
    tpm::libtpms_engine m_engine;
    bool m_save_after_command = true;
    std::function<void(const tpm::chip_command&)> m_executed;
    vtpm_stubdom* m_program = nullptr;  ///< while it runs
};

}  // namespace vtwin::models
