#include "hypervisor/sched/pcpu_pool.h"

namespace vtwin::xen {

using state = vcpu_state_change::state;

pcpu_pool::pcpu_pool(std::unique_ptr<scheduler_if> policy, std::uint32_t pcpus, const cost_profile& costs)
    : m_policy(std::move(policy)), m_costs(costs), m_cpus(pcpus), m_idle(pcpus) {
    sc_assert(m_policy != nullptr && pcpus > 0);
}

void pcpu_pool::admit(virtual_cpu& cpu) {
    cpu.unit().cpu = &cpu;
    m_policy->add(cpu.unit());
}

void pcpu_pool::make_runnable(virtual_cpu& cpu, bool woken) {
    cpu.enter(state::runnable, -1);
    if (cpu.m_held)
        return;
    if (m_idle == 0)
        account_all();
    m_policy->enqueue(cpu.unit(), woken);
    dispatch();
}

void pcpu_pool::vacate(virtual_cpu& cpu, state next) {
    release(cpu);
    cpu.enter(next, -1);
    dispatch();
}

void pcpu_pool::preempt(virtual_cpu& cpu) {
    account_all();
    m_policy->enqueue(cpu.unit(), false);
    auto* const next = m_policy->take()->cpu;
    if (next == &cpu) {
        cpu.unit().run_start = sc_core::sc_time_stamp();
    } else {
        const int pcpu = cpu.m_pcpu;
        release(cpu);
        cpu.enter(state::runnable, -1);
        put_on(pcpu, *next);
    }
    plan();
}

// Leaving and joining takes it off the queue; a policy starts it anew, as it does after a long sleep.
void pcpu_pool::hold(virtual_cpu& cpu) {
    if (cpu.now() == state::blocked)
        return;
    if (cpu.now() == state::running)
        release(cpu);
    m_policy->remove(cpu.unit());
    m_policy->add(cpu.unit());
    cpu.enter(state::runnable, -1);
    dispatch();
}

void pcpu_pool::withdraw(virtual_cpu& cpu) {
    if (cpu.now() == state::running)
        release(cpu);
    m_policy->remove(cpu.unit());
    cpu.enter(state::offline, -1);
    dispatch();
}

void pcpu_pool::release(virtual_cpu& cpu) {
    account(cpu);
    m_cpus[static_cast<std::size_t>(cpu.m_pcpu)].current = nullptr;
    ++m_idle;
    cpu.revoked();
}

void pcpu_pool::dispatch() {
    while (m_idle > 0) {
        auto* const next = m_policy->take();
        if (next == nullptr)
            break;
        put_on(idle_cpu_for(*next->cpu), *next->cpu);
    }
    plan();
}

void pcpu_pool::put_on(int pcpu, virtual_cpu& cpu) {
    auto& slot = m_cpus[static_cast<std::size_t>(pcpu)];
    const bool switched = slot.last != nullptr && slot.last != &cpu;
    slot.current = &cpu;
    slot.last = &cpu;
    --m_idle;
    cpu.unit().run_start = cpu.unit().accounted = sc_core::sc_time_stamp();
    cpu.granted(pcpu, switched ? m_costs.context_switch : sc_core::SC_ZERO_TIME);
}

// Where it ran last, else one that never ran anything, else the lowest.
int pcpu_pool::idle_cpu_for(const virtual_cpu& cpu) const {
    const auto free = [this](int i) { return m_cpus[static_cast<std::size_t>(i)].current == nullptr; };
    if (cpu.m_last_pcpu >= 0 && free(cpu.m_last_pcpu))
        return cpu.m_last_pcpu;
    int best = -1;
    for (int i = 0; i < static_cast<int>(m_cpus.size()); ++i) {
        if (!free(i))
            continue;
        if (m_cpus[static_cast<std::size_t>(i)].last == nullptr)
            return i;
        if (best < 0)
            best = i;
    }
    return best;
}

void pcpu_pool::account(virtual_cpu& cpu) {
    auto& unit = cpu.unit();
    const auto now = sc_core::sc_time_stamp();
    m_policy->ran(unit, now - unit.accounted);
    unit.accounted = now;
}

void pcpu_pool::account_all() {
    for (auto& slot : m_cpus)
        if (slot.current != nullptr)
            account(*slot.current);
}

void pcpu_pool::plan() {
    if (!m_policy->waiting()) {
        if (m_contended)
            for (auto& slot : m_cpus)
                if (slot.current != nullptr)
                    slot.current->plan_preemption(sc_core::sc_max_time());
        m_contended = false;
        return;
    }
    m_contended = true;
    for (auto& slot : m_cpus)
        if (slot.current != nullptr)
            slot.current->plan_preemption(m_policy->preempt_at(slot.current->unit()));
}

}  // namespace vtwin::xen
