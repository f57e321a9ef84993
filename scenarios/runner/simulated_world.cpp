#include "scenarios/runner/simulated_world.h"

#include <algorithm>

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

/// What runs in circles is thrown out of the simulation by the witness, which then has broken L-5 on record:
/// a result, not a failure of ours.
run_record simulated_world::run() {
    run_record record;
    try {
        m_ended = &m_machine->run();
        record = m_witness->finish(*m_ended);
    } catch (const std::exception& cause) {
        m_broken_off.problem = cause.what();
        m_ended = &m_broken_off;
        record = m_witness->finish(m_broken_off);
        if (std::ranges::count(record.violations, "L-5", &violation::invariant) == 0)
            throw;
    }
    record.faults_begun = m_begun;
    return record;
}

}  // namespace vtwin::scenario
