#include "scenarios/runner/simulated_world.h"

#include "scenarios/oracles/witness.h"

namespace vtwin::scenario {

simulated_world::simulated_world(const models::run_config& config, std::vector<fault> faults,
                                 const std::vector<std::string>& wires, models::timeline_sink timeline)
    : m_faults(std::move(faults), wires), m_timeline(std::move(timeline)) {
    const auto hear = [this](const models::timeline_entry& entry) {
        if (m_timeline)
            m_timeline(entry);
    };
    m_machine = std::make_unique<models::platform>("machine", config, hear, &m_faults.wires());
    m_faults.hub().on_change = [this](const armed_fault& which, bool begun) {
        if (begun && ++m_begun == 1)
            m_first_begun = which.began_at();
    };
    m_faults.attach(*m_machine, config);
    m_witness = std::make_unique<witness>(*m_machine, config, &m_faults.hub());
}

simulated_world::~simulated_world() = default;

run_record simulated_world::run() {
    m_ended = &m_machine->run();
    auto record = m_witness->finish(*m_ended);
    record.faults_begun = m_begun;
    return record;
}

}  // namespace vtwin::scenario
