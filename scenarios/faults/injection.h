// The faults of one run on one machine: wires, taps and effects brought together.
#pragma once

#include <string>
#include <vector>

#include "models/platform/platform.h"
#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/wire_taps.h"

namespace vtwin::scenario {

/// In order: construct, give wires() to the platform's constructor, attach().
class injection {
  public:
    /// `faults` are checked (check_fault). `more_wires`: patterns of wires that are to be counted although no
    /// fault of this list needs them.
    injection(std::vector<fault> faults, const std::vector<std::string>& more_wires = {});

    models::wire_inserter& wires() { return m_taps; }
    wire_hub& hub() { return m_hub; }

    /// Makes the effects and arms all faults; during elaboration, after the platform.
    void attach(models::platform& machine, const models::run_config& config);
    /// Arms one more; at any time after attach.
    armed_fault& arm(const fault& what);
    /// The effect of a checked fault on this machine.
    std::unique_ptr<fault_effect> effect_of(const fault& what);
    /// Arms it without an effect: it only counts and asks wire_hub::may_begin.
    armed_fault& rehearse(const fault& what);

  private:
    std::vector<fault> m_faults;
    wire_hub m_hub;
    wire_taps m_taps;
    models::platform* m_machine = nullptr;
    const models::run_config* m_config = nullptr;
};

}  // namespace vtwin::scenario
