// Scheduling policies: which runnable vCPU gets a physical CPU, and for how long.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <systemc>

#include "hypervisor/costs.h"

namespace vtwin::xen {

class virtual_cpu;

/// What a policy knows about one vCPU.
struct sched_unit {
    std::uint32_t weight = 256;
    virtual_cpu* cpu = nullptr;  ///< whose it is
    sc_core::sc_time run_start;  ///< while running: since when, without a break
    sc_core::sc_time accounted;  ///< while running: until when its time has been reported to the policy
    // the credit policy's own
    std::int64_t credit = 0;  ///< picoseconds of pCPU time, negative when overdrawn
    bool boosted = false;     ///< woken while it had credit
    bool queued = false;      ///< waits for a pCPU
    bool active = false;      ///< has used or wanted a pCPU since the last accounting
};

/// One run queue for all physical CPUs. Units are handed over by reference and stay owned by the caller.
class scheduler_if {
  public:
    virtual ~scheduler_if() = default;
    virtual void add(sched_unit& unit) = 0;                  ///< becomes known, idle
    virtual void remove(sched_unit& unit) = 0;               ///< leaves, queued or not
    virtual void enqueue(sched_unit& unit, bool woken) = 0;  ///< wants to run
    virtual sched_unit* take() = 0;  ///< next to run, off the queue; nullptr: none waits
    virtual bool waiting() const = 0;
    virtual void ran(sched_unit& unit, const sc_core::sc_time& duration) = 0;  ///< pays for pCPU time
    /// When the running unit has to make room for those that wait (maybe in the past); only asked while some
    /// wait.
    virtual sc_core::sc_time preempt_at(const sched_unit& running) const = 0;
};

/// "credit" or "round_robin"; nullptr for any other name.
std::unique_ptr<scheduler_if> make_scheduler(std::string_view name, const cost_profile& costs,
                                             std::uint32_t pcpus);

}  // namespace vtwin::xen
