// One simulation of a scenario in this process: the machine, the faults on its wires and the oracles around
// it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "scenarios/faults/injection.h"
#include "scenarios/oracles/outcome.h"

namespace vtwin::scenario {

class witness;

/// One per process. The configuration must outlive it.
class simulated_world {
  public:
    /// `faults` are live from the start; `wires`: patterns of wires that are counted besides.
    simulated_world(const models::run_config& config, std::vector<fault> faults,
                    const std::vector<std::string>& wires, models::timeline_sink timeline = {});
    ~simulated_world();

    injection& faults() { return m_faults; }
    models::platform& machine() { return *m_machine; }

    /// Runs to the end; the record is of what happened in this process and, after a fork, in the one before
    /// it. The simulator's own failures come out as exceptions.
    run_record run();
    /// From now on nobody hears the timeline: for copies of a run that is shown elsewhere.
    void mute() { m_timeline = {}; }

    /// How the machine says that it ended; after run().
    const models::platform::outcome& ended() const { return *m_ended; }
    /// When the first fault began; zero when none has.
    const sc_core::sc_time& first_begun() const { return m_first_begun; }
    std::uint64_t faults_begun() const { return m_begun; }

  private:
    injection m_faults;
    models::timeline_sink m_timeline;
    std::unique_ptr<models::platform> m_machine;
    std::unique_ptr<witness> m_witness;      ///< goes before the machine
    models::platform::outcome m_broken_off;  ///< when the run did not come to an end by itself
    const models::platform::outcome* m_ended = nullptr;
    sc_core::sc_time m_first_begun;
    std::uint64_t m_begun = 0;
};

}  // namespace vtwin::scenario
