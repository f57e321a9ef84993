// The credit policy: shares by weight, and a short cut for those that wake up to handle an event.
#pragma once

#include <deque>
#include <vector>

#include "hypervisor/sched/scheduler_if.h"

namespace vtwin::xen {

/// After xen/common/sched/credit.c, with one run queue in place of one per pCPU with stealing. Each
/// accounting period (one time slice) hands out the machine's CPU time as credit, by weight, among the active
/// units. Priorities: BOOST (woken with credit left), UNDER (credit left), OVER. A unit of a better class
/// preempts once the running one has had the rate limit; within a class the slice decides. A boost lasts one
/// tick, a third of a slice. Accounting is done when somebody looks: no process ticks.
class credit_scheduler final : public scheduler_if {
  public:
    credit_scheduler(const sc_core::sc_time& timeslice, const sc_core::sc_time& ratelimit,
                     std::uint32_t pcpus);
    void add(sched_unit& unit) override { m_units.push_back(&unit); }
    void remove(sched_unit& unit) override;
    void enqueue(sched_unit& unit, bool woken) override;
    sched_unit* take() override;
    bool waiting() const override { return !m_queue.empty(); }
    void ran(sched_unit& unit, const sc_core::sc_time& duration) override;
    sc_core::sc_time preempt_at(const sched_unit& running) const override;

  private:
    enum class priority : std::uint8_t { over, under, boost };
    static priority of(const sched_unit& unit);
    void account();

    sc_core::sc_time m_timeslice, m_tick, m_ratelimit;
    std::uint32_t m_pcpus;
    std::uint64_t m_period = 0;  // number of the last period accounted
    std::vector<sched_unit*> m_units;
    std::deque<sched_unit*> m_queue;  // in the order of arrival
};

}  // namespace vtwin::xen
