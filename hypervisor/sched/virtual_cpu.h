// The one vCPU of a domain: pays CPU time for the domain's software and interrupts it with the event upcall.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <systemc>

#include "hypervisor/costs.h"
#include "hypervisor/observation.h"
#include "hypervisor/ports.h"
#include "hypervisor/sched/scheduler_if.h"

namespace vtwin::xen {

class pcpu_pool;

/// The calling thread of the domain is the vCPU: what it does between two calls takes no simulated time and
/// happens while the vCPU runs; time passes inside sync and block. The upcall handler runs in that thread
/// too.
///
/// Order of payment: (1) what brought the vCPU onto its pCPU (upcall_blocked after a block, context_switch
/// when the pCPU ran another vCPU last), (2) upcall_running and then the handler, when an upcall is due, (3)
/// charged time.
class virtual_cpu final : public vcpu_if {
  public:
    using state = vcpu_state_change::state;

    virtual_cpu(pcpu_pool& pool, const cost_profile& costs, observation_port<vcpu_state_change>& observer,
                std::uint32_t weight);

    // vcpu_if
    void charge(const sc_core::sc_time& cpu_time) override { m_owed += cpu_time; }
    void sync() override;
    /// `deadline` is a point in simulated time, not a duration. Returns early, too, when the upcall handler
    /// ran while charged time was being paid: what it woke must be looked at.
    void block(const std::optional<sc_core::sc_time>& deadline) override;
    void set_upcall(std::function<void()> handler) override { m_handler = std::move(handler); }
    void set_upcall_mask(bool masked) override;
    sc_core::sc_time system_time() const override { return sc_core::sc_time_stamp(); }

    // the hypervisor's side
    void power_on(domid_t domid, std::byte* vcpu_info);
    void start();                           ///< runnable for the first time
    void power_off() { m_info = nullptr; }  ///< after stop: its shared_info page goes away
    void stop();                            ///< waiting calls throw domain_stopped
    void event_raised();                    ///< upcall_pending was set
    /// Keeps it off the physical CPUs until resume(), whatever wakes it meanwhile; time stands still for what
    /// it is paying. No effect while offline.
    void hold();
    void resume();
    /// Ends a block early: its software has to compute its deadline anew.
    void look_again();
    void on_deadline(std::function<void()> hook) { m_deadline_passed = std::move(hook); }
    bool in_upcall() const { return m_in_upcall; }
    bool stopped() const { return m_state == state::offline; }
    state now() const { return m_state; }
    sched_unit& unit() { return m_unit; }

  private:
    friend class pcpu_pool;
    enum class until : std::uint8_t { paid, awake };
    class call;  // one thread inside sync or block

    // for pcpu_pool
    void granted(int pcpu, const sc_core::sc_time& switch_cost);
    void revoked();
    void plan_preemption(const sc_core::sc_time& at);
    void enter(state next, int pcpu);

    void run(until goal, std::uint32_t life);
    void settle();
    void check_alive(std::uint32_t life) const;
    bool upcall_due() const;
    void begin_upcall();
    void call_handler();
    void wake();
    void wait_blocked(const std::optional<sc_core::sc_time>& deadline, std::uint32_t life);
    sc_core::sc_time remaining() const;

    pcpu_pool& m_pool;
    const cost_profile& m_costs;
    observation_port<vcpu_state_change>& m_observer;
    std::function<void()> m_handler;
    std::function<void()> m_deadline_passed;
    sched_unit m_unit;
    sc_core::sc_event m_kick;  // something changed: look again
    domid_t m_domid = domid_invalid;
    std::byte* m_info = nullptr;  // vcpu_info: upcall_pending, upcall_mask
    state m_state = state::offline;
    std::uint32_t m_life = 0;     // counts stops; calls of an older life throw
    std::uint32_t m_handled = 0;  // handler runs
    bool m_inside = false;        // a thread is in sync or block
    bool m_waiting = false;       // ... and waits there
    bool m_in_upcall = false;
    bool m_held = false;      // runnable at most
    bool m_entering = false;  // upcall_running is being paid
    until m_goal = until::paid;
    int m_pcpu = -1;
    int m_last_pcpu = -1;
    sc_core::sc_time m_latency, m_entry, m_owed;  // still to be paid, in this order
    sc_core::sc_time m_settled;                   // until when running time has been accounted
    sc_core::sc_time m_preempt_at;                // max: nobody waits
};

}  // namespace vtwin::xen
