#include "hypervisor/sched/virtual_cpu.h"

#include <algorithm>
#include <utility>

#include "hypervisor/event/event_channels.h"
#include "hypervisor/sched/pcpu_pool.h"

namespace vtwin::xen {

using sc_core::sc_time;
using sc_core::sc_time_stamp;
using sc_core::SC_ZERO_TIME;

namespace {
// Pays min(owed, available) of `owed` out of `available`.
void pay(sc_time& owed, sc_time& available) {
    const auto part = std::min(owed, available);
    owed -= part;
    available -= part;
}
}  // namespace

/// Marks the calling thread as the one inside; remembers which life of the domain it belongs to.
class virtual_cpu::call {
  public:
    explicit call(virtual_cpu& cpu) : m_cpu(cpu), life(cpu.m_life) {
        if (cpu.stopped())
            throw domain_stopped{};
        sc_assert(!cpu.m_inside && "two threads of one domain on its vCPU");
        sc_assert(!cpu.m_in_upcall && "the upcall handler must not wait");
        cpu.m_inside = true;
        cpu.m_settled = sc_time_stamp();
    }
    ~call() {
        if (m_cpu.m_life == life)
            m_cpu.m_inside = false;
    }

  private:
    virtual_cpu& m_cpu;

  public:
    const std::uint32_t life;
};

virtual_cpu::virtual_cpu(pcpu_pool& pool, const cost_profile& costs,
                         observation_port<vcpu_state_change>& observer, std::uint32_t weight)
    : m_pool(pool), m_costs(costs), m_observer(observer), m_preempt_at(sc_core::sc_max_time()) {
    m_unit.weight = weight;
}

// ---- software's side --------------------------------------------------------------------------------------

void virtual_cpu::sync() {
    call guard(*this);
    run(until::paid, guard.life);
}

void virtual_cpu::block(const std::optional<sc_time>& deadline) {
    call guard(*this);
    const auto handled = m_handled;
    run(until::paid, guard.life);
    // SCHEDOP_block opens the upcall mask: an event that came meanwhile must not be slept through.
    m_info[shared_info_layout::upcall_mask] = std::byte{0};
    run(until::awake, guard.life);
    if (m_handled != handled || (deadline && *deadline <= sc_time_stamp()))
        return;
    m_pool.vacate(*this, state::blocked);
    wait_blocked(deadline, guard.life);
    run(until::awake, guard.life);
}

void virtual_cpu::wait_blocked(const std::optional<sc_time>& deadline, std::uint32_t life) {
    m_goal = until::awake;
    m_waiting = true;
    while (m_state == state::blocked) {
        if (deadline)
            sc_core::wait(*deadline - sc_time_stamp(), m_kick);
        else
            sc_core::wait(m_kick);
        check_alive(life);
        if (m_state != state::blocked || !deadline || sc_time_stamp() < *deadline)
            continue;
        if (m_deadline_passed)
            m_deadline_passed();  // VIRQ_TIMER, when bound, wakes us through its event
        if (m_state == state::blocked)
            wake();
    }
    m_waiting = false;
}

void virtual_cpu::set_upcall_mask(bool masked) {
    if (m_info == nullptr)
        throw domain_stopped{};
    m_info[shared_info_layout::upcall_mask] = std::byte{masked};
    if (masked || m_in_upcall)
        return;
    while (upcall_due()) {
        charge(m_costs.upcall_running);
        call_handler();
    }
}

// ---- running ----------------------------------------------------------------------------------------------

void virtual_cpu::run(until goal, std::uint32_t life) {
    m_goal = goal;
    for (;;) {
        check_alive(life);  // the handler may have shut the domain down
        if (m_state == state::running) {
            settle();
            if (!upcall_due()) {
                m_entering = false;
                m_entry = SC_ZERO_TIME;
            } else if (!m_entering) {
                begin_upcall();
            }
            const bool on_cpu = m_latency == SC_ZERO_TIME;
            if (on_cpu && m_entering && m_entry == SC_ZERO_TIME) {
                m_entering = false;
                call_handler();
                continue;
            }
            if (on_cpu && !m_entering && (goal == until::awake || m_owed == SC_ZERO_TIME))
                return;
            if (m_preempt_at <= sc_time_stamp()) {
                m_pool.preempt(*this);
                continue;
            }
        }
        m_waiting = true;
        if (m_state == state::running)
            sc_core::wait(std::min(remaining(), m_preempt_at - sc_time_stamp()), m_kick);
        else
            sc_core::wait(m_kick);
        check_alive(life);
        m_waiting = false;
    }
}

void virtual_cpu::settle() {
    const auto now = sc_time_stamp();
    auto elapsed = now - m_settled;
    m_settled = now;
    if (elapsed == SC_ZERO_TIME)
        return;
    pay(m_latency, elapsed);
    if (m_entering)
        pay(m_entry, elapsed);
    pay(m_owed, elapsed);
}

sc_time virtual_cpu::remaining() const {
    if (m_entering)
        return m_latency + m_entry;
    return m_goal == until::awake ? m_latency : m_latency + m_owed;
}

bool virtual_cpu::upcall_due() const {
    return m_handler && m_info[shared_info_layout::upcall_pending] != std::byte{0} &&
           m_info[shared_info_layout::upcall_mask] == std::byte{0};
}

void virtual_cpu::begin_upcall() {
    m_entering = true;
    m_entry = m_costs.upcall_running;
}

// As a PV upcall: masked on entry, the mask is open again after the return.
void virtual_cpu::call_handler() {
    auto* const info = m_info;
    const auto life = m_life;
    info[shared_info_layout::upcall_mask] = std::byte{1};
    m_in_upcall = true;
    ++m_handled;
    m_handler();
    m_in_upcall = false;
    if (life == m_life)
        info[shared_info_layout::upcall_mask] = std::byte{0};
}

void virtual_cpu::check_alive(std::uint32_t life) const {
    if (m_life != life)
        throw domain_stopped{};
}

// ---- the hypervisor's side --------------------------------------------------------------------------------

void virtual_cpu::power_on(domid_t domid, std::byte* vcpu_info) {
    m_domid = domid;
    m_info = vcpu_info;
}

void virtual_cpu::start() {
    m_latency = m_entry = m_owed = SC_ZERO_TIME;
    m_settled = sc_time_stamp();
    m_entering = m_in_upcall = m_inside = m_waiting = m_held = false;
    m_goal = until::paid;
    m_last_pcpu = -1;
    m_pool.admit(*this);
    m_pool.make_runnable(*this, false);
}

void virtual_cpu::stop() {
    ++m_life;
    if (m_state != state::offline)
        m_pool.withdraw(*this);
    m_inside = m_waiting = m_held = false;
    m_kick.notify(SC_ZERO_TIME);
}

void virtual_cpu::hold() {
    if (stopped() || m_held)
        return;
    if (m_state == state::running && m_inside)
        settle();
    m_held = true;
    m_pool.hold(*this);
}

void virtual_cpu::resume() {
    if (!std::exchange(m_held, false))
        return;
    if (m_state == state::runnable)
        m_pool.make_runnable(*this, false);
}

void virtual_cpu::look_again() {
    if (m_state == state::blocked)
        wake();
}

void virtual_cpu::event_raised() {
    if (m_state == state::blocked) {
        if (m_info[shared_info_layout::upcall_mask] == std::byte{0})
            wake();
    } else if (m_state == state::running && m_waiting && !m_entering && upcall_due()) {
        settle();
        begin_upcall();
        m_kick.notify(std::min(remaining(), std::max(m_preempt_at, sc_time_stamp()) - sc_time_stamp()));
    }
}

void virtual_cpu::wake() {
    m_latency += m_costs.upcall_blocked;
    if (upcall_due())
        begin_upcall();
    m_pool.make_runnable(*this, true);
}

void virtual_cpu::granted(int pcpu, const sc_time& switch_cost) {
    m_pcpu = m_last_pcpu = pcpu;
    m_latency += switch_cost;
    m_settled = sc_time_stamp();
    m_preempt_at = sc_core::sc_max_time();
    enter(state::running, pcpu);
    if (m_waiting)
        m_kick.notify(remaining());
}

void virtual_cpu::revoked() {
    m_pcpu = -1;
    m_preempt_at = sc_core::sc_max_time();
}

void virtual_cpu::plan_preemption(const sc_time& at) {
    if (at < m_preempt_at && m_waiting)
        m_kick.notify(std::max(at, sc_time_stamp()) - sc_time_stamp());
    m_preempt_at = at;
}

void virtual_cpu::enter(state next, int pcpu) {
    m_state = next;
    if (m_observer.observed())
        m_observer.publish({m_domid, next, pcpu});
}

}  // namespace vtwin::xen
