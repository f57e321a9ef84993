#include "hypervisor/sched/round_robin.h"

#include <algorithm>

#include "hypervisor/sched/credit.h"

namespace vtwin::xen {

void round_robin_scheduler::remove(sched_unit& unit) {
    std::erase(m_queue, &unit);
}

sched_unit* round_robin_scheduler::take() {
    if (m_queue.empty())
        return nullptr;
    auto* const next = m_queue.front();
    m_queue.pop_front();
    return next;
}

sc_core::sc_time round_robin_scheduler::preempt_at(const sched_unit& running) const {
    // Without slices a vCPU runs until it blocks.
    return m_timeslice == sc_core::SC_ZERO_TIME ? sc_core::sc_max_time() : running.run_start + m_timeslice;
}

std::unique_ptr<scheduler_if> make_scheduler(std::string_view name, const cost_profile& costs,
                                             std::uint32_t pcpus) {
    if (name == "credit")
        return std::make_unique<credit_scheduler>(costs.timeslice, costs.ratelimit, pcpus);
    if (name == "round_robin")
        return std::make_unique<round_robin_scheduler>(costs.timeslice);
    return nullptr;
}

}  // namespace vtwin::xen
