#include "scenarios/faults/injection.h"

namespace vtwin::scenario {
namespace {

std::vector<std::string> wires_for(const std::vector<fault>& faults, const std::vector<std::string>& more) {
    auto patterns = more;
    for (const auto& each : faults) {
        patterns.push_back(each.target);
        patterns.push_back(each.when.on);
    }
    return patterns;
}

}  // namespace

injection::injection(std::vector<fault> faults, const std::vector<std::string>& more_wires)
    : m_faults(std::move(faults)), m_hub(wires_for(m_faults, more_wires)), m_taps(m_hub) {}

void injection::attach(models::platform& machine, const models::run_config& config) {
    m_machine = &machine;
    m_config = &config;
    m_taps.attach(machine.hypervisor(), config);
    machine.on_stage = [this](const std::string& stage) { m_hub.set_stage(stage); };
    for (const auto& each : m_faults)
        arm(each);
}

std::unique_ptr<fault_effect> injection::effect_of(const fault& what) {
    const auto* kind = find_kind(what.kind);
    sc_assert(kind != nullptr && m_machine != nullptr);
    return kind->make(what, {*m_machine, *m_config, m_hub, m_taps.view()});
}

armed_fault& injection::arm(const fault& what) {
    return m_hub.arm(what, effect_of(what), m_config->seed);
}

armed_fault& injection::rehearse(const fault& what) {
    sc_assert(m_config != nullptr);
    return m_hub.arm(what, nullptr, m_config->seed);
}

}  // namespace vtwin::scenario
