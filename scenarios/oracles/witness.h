// Watches a machine from outside, through its observation ports: keeps the history, feeds the oracles, and
// gives the record of the run at its end.
#pragma once

#include <exception>
#include <memory>

#include "models/platform/platform.h"
#include "scenarios/faults/wire.h"
#include "scenarios/oracles/outcome.h"
#include "scenarios/oracles/scene.h"

namespace vtwin::scenario {

/// Thrown through the simulation when a run that was stopped for want of progress does not end by itself.
class no_progress_error final : public std::exception {
  public:
    const char* what() const noexcept override { return "the run made no progress and did not end"; }
};

/// Made during elaboration, after the platform and after injection::attach; destroyed before the platform. It
/// takes the hooks of the Linux domains' answers and of the engines, and stands behind those of
/// wire_hub::on_change and guest_domain::on_outcome that are there already. All its state survives a fork.
class witness {
  public:
    /// `hub` may be null: a run without faults.
    witness(models::platform& machine, const models::run_config& config, wire_hub* hub);
    ~witness();
    witness(const witness&) = delete;
    witness& operator=(const witness&) = delete;

    /// Deadlines of the liveness oracles; before the run.
    oracle_limits& limits();

    /// Once, after platform::run returned or threw.
    run_record finish(const models::platform::outcome& outcome);

    /// Steps that were counted: events of all kinds.
    std::uint64_t events() const;

  private:
    class eyes;
    std::unique_ptr<eyes> m_eyes;
};

}  // namespace vtwin::scenario
