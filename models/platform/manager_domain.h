// The manager's stub domain: mini-os, its drivers and vtpmmgr.
#pragma once

#include <systemc>

#include "models/kernel/kernel.h"
#include "models/platform/config.h"
#include "models/platform/run_context.h"

namespace vtwin::models {

class manager_domain final : public sc_core::sc_module {
  public:
    manager_domain(sc_core::sc_module_name name, const manager_config& config, const run_context& context);

    kernel os;  ///< its ports are bound in platform

  private:
    void program();

    const manager_config& m_config;
    const run_context& m_context;
};

}  // namespace vtwin::models
