// The recorder on a machine's wires.
#pragma once

#include "models/platform/platform.h"
#include "traces/recorder.h"

namespace vtwin::scenario {

/// Attaches during elaboration; `machine` and `config` must outlive it.
class observed_machine {
  public:
    observed_machine(models::platform& machine, const models::run_config& config,
                     trace::recorder_options recorded);

    trace::recorder& recorder() { return m_recorder; }

  private:
    trace::identify_domain identify() const;
    /// For a driver in that kernel.
    models::linux_tpm_chip::command_hook hear(const models::kernel& os, trace::tpm_device device);

    models::platform& m_machine;
    const models::run_config& m_config;
    trace::recorder m_recorder;
};

}  // namespace vtwin::scenario
