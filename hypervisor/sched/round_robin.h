// First come, first served, one time slice at a time.
#pragma once

#include <deque>

#include "hypervisor/sched/scheduler_if.h"

namespace vtwin::xen {

class round_robin_scheduler final : public scheduler_if {
  public:
    explicit round_robin_scheduler(const sc_core::sc_time& timeslice) : m_timeslice(timeslice) {}
    void add(sched_unit&) override {}
    void remove(sched_unit& unit) override;
    void enqueue(sched_unit& unit, bool) override { m_queue.push_back(&unit); }
    sched_unit* take() override;
    bool waiting() const override { return !m_queue.empty(); }
    void ran(sched_unit&, const sc_core::sc_time&) override {}
    sc_core::sc_time preempt_at(const sched_unit& running) const override;

  private:
    sc_core::sc_time m_timeslice;
    std::deque<sched_unit*> m_queue;
};

}  // namespace vtwin::xen
