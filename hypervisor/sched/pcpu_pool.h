// The machine's physical CPUs: gives them to vCPUs as the scheduling policy says.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hypervisor/sched/scheduler_if.h"
#include "hypervisor/sched/virtual_cpu.h"

namespace vtwin::xen {

/// A vCPU keeps its pCPU until it blocks, stops, or is asked to make room for one that waits.
class pcpu_pool {
  public:
    pcpu_pool(std::unique_ptr<scheduler_if> policy, std::uint32_t pcpus, const cost_profile& costs);

    void admit(virtual_cpu& cpu);  ///< known, not yet runnable
    void make_runnable(virtual_cpu& cpu, bool woken);
    void vacate(virtual_cpu& cpu, vcpu_state_change::state next);  ///< running -> blocked
    void preempt(virtual_cpu& cpu);   ///< running -> runnable, or on with a new slice
    void hold(virtual_cpu& cpu);      ///< running or queued -> runnable and not queued
    void withdraw(virtual_cpu& cpu);  ///< any state -> offline

  private:
    struct physical_cpu {
        virtual_cpu* current = nullptr;
        const virtual_cpu* last = nullptr;
    };
    void release(virtual_cpu& cpu);
    void dispatch();
    void put_on(int pcpu, virtual_cpu& cpu);
    int idle_cpu_for(const virtual_cpu& cpu) const;
    void account(virtual_cpu& cpu);
    void account_all();
    void plan();

    std::unique_ptr<scheduler_if> m_policy;
    const cost_profile& m_costs;
    std::vector<physical_cpu> m_cpus;
    std::uint32_t m_idle;
    bool m_contended = false;  // preemptions are planned
};

}  // namespace vtwin::xen
