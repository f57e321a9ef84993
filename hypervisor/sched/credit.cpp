#include "hypervisor/sched/credit.h"

#include <algorithm>

namespace vtwin::xen {

using sc_core::sc_time;

namespace {
constexpr unsigned ticks_per_timeslice = 3;

std::int64_t picoseconds(const sc_time& time) {
    return static_cast<std::int64_t>(time.value());
}
}  // namespace

credit_scheduler::credit_scheduler(const sc_time& timeslice, const sc_time& ratelimit, std::uint32_t pcpus)
    : m_timeslice(timeslice),
      m_tick(sc_time::from_value(timeslice.value() / ticks_per_timeslice)),
      m_ratelimit(ratelimit),
      m_pcpus(pcpus) {}

credit_scheduler::priority credit_scheduler::of(const sched_unit& unit) {
    if (unit.credit < 0)
        return priority::over;
    return unit.boosted ? priority::boost : priority::under;
}

void credit_scheduler::remove(sched_unit& unit) {
    std::erase(m_queue, &unit);
    std::erase(m_units, &unit);
    unit.boosted = unit.active = unit.queued = false;
    unit.credit = 0;
}

void credit_scheduler::enqueue(sched_unit& unit, bool woken) {
    account();
    unit.active = unit.queued = true;
    unit.boosted = woken && unit.credit >= 0;
    m_queue.push_back(&unit);
}

sched_unit* credit_scheduler::take() {
    if (m_queue.empty())
        return nullptr;
    account();
    // The first of the best class; max_element keeps the earliest among equals.
    const auto best =
        std::max_element(m_queue.begin(), m_queue.end(),
                         [](const sched_unit* a, const sched_unit* b) { return of(*a) < of(*b); });
    auto* const next = *best;
    m_queue.erase(best);
    next->queued = false;
    return next;
}

void credit_scheduler::ran(sched_unit& unit, const sc_time& duration) {
    unit.credit -= picoseconds(duration);
    unit.active = true;
    account();
}

sc_time credit_scheduler::preempt_at(const sched_unit& running) const {
    auto best = priority::over;
    for (const auto* const unit : m_queue)
        best = std::max(best, of(*unit));
    if (m_timeslice == sc_core::SC_ZERO_TIME)
        return sc_core::sc_max_time();  // no slices: run until blocked
    const auto slice_end = running.run_start + m_timeslice;
    const auto limit = std::min(running.run_start + m_ratelimit, slice_end);
    const auto now_class = of(running);
    if (best > now_class)
        return limit;
    // Once its boost has worn off, a boosted one that waits comes first.
    if (now_class == priority::boost && best == priority::boost)
        return std::max(std::min(running.run_start + m_tick, slice_end), limit);
    return slice_end;
}

void credit_scheduler::account() {
    if (m_timeslice == sc_core::SC_ZERO_TIME)
        return;
    const auto period = sc_core::sc_time_stamp().value() / m_timeslice.value();
    if (period == m_period)
        return;
    const auto periods =
        std::min<std::uint64_t>(period - m_period, 2);  // more than that would be capped anyway
    m_period = period;
    std::uint64_t weights = 0;
    for (const auto* const unit : m_units)
        weights += unit->active ? unit->weight : 0;
    if (weights == 0)
        return;
    const auto cap = picoseconds(m_timeslice);
    const auto pot = static_cast<std::uint64_t>(cap) * m_pcpus * periods;
    for (auto* const unit : m_units) {
        if (!unit->active)
            continue;
        const auto share = static_cast<std::int64_t>(pot / weights * unit->weight);
        unit->credit = std::clamp(unit->credit + share, -cap, cap);
        unit->active = unit->queued;
    }
}

}  // namespace vtwin::xen
