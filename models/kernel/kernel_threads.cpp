// The scheduler of a guest kernel.
#include "models/kernel/kernel.h"
#include "models/kernel/kernel_thread.h"
#include "models/kernel/xenbus_client.h"

namespace vtwin::models {

using sc_core::sc_time;

void kernel::spawn(const std::string& name, std::function<void()> body) {
    auto& thread = *m_threads.emplace_back(std::make_unique<kernel_thread>());
    thread.name = name;
    thread.body = std::move(body);
    make_ready(thread);
    const std::string process = basename() + std::string("_") + name;
    sc_core::sc_spawn([this, &thread] { run_thread(thread); }, sc_core::sc_gen_unique_name(process.c_str()));
}

void kernel::run_thread(kernel_thread& thread) {
    try {
        park(thread);
        thread.body();
    } catch (const xen::domain_stopped&) {
        m_stopped = true;
    }
    retire(thread);
}

// A thread that ends has to find its successor; when the domain has stopped, that one only unwinds in its
// turn.
void kernel::retire(kernel_thread& thread) {
    if (!m_stopped) {
        try {
            // What it captured may be needed by nobody else: gone before the successor runs.
            thread.body = nullptr;
            kernel_thread& next = wait_for_ready();
            ports.vcpu->charge(m_costs.thread_switch);
            hand_over(next);
        } catch (const xen::domain_stopped&) {
            m_stopped = true;
        }
    }
    disarm_timer(thread);
    std::erase(m_ready, &thread);
    m_threads.remove_if([&](const auto& entry) { return entry.get() == &thread; });
    if (m_stopped) {
        if (!m_threads.empty()) {
            hand_over(*m_threads.front());
        } else {
            m_current = nullptr;
            m_booted = false;
        }
    }
}

kernel_thread& kernel::current() {
    sc_assert(m_current != nullptr && !m_in_upcall && "only a thread of the kernel can wait");
    return *m_current;
}

void kernel::park(kernel_thread& thread) {
    while (!thread.has_baton) {
        sc_core::wait(thread.resumed);
    }
    thread.has_baton = false;
    if (m_stopped) {
        throw xen::domain_stopped{};
    }
}

void kernel::hand_over(kernel_thread& next) {
    m_current = &next;
    next.has_baton = true;
    next.resumed.notify();
}

// Runs in the thread that gives up the baton, which is in the run queue or somewhere it can be woken from.
void kernel::schedule() {
    kernel_thread& self = current();
    kernel_thread& next = wait_for_ready();
    if (&next == &self) {
        return;
    }
    ports.vcpu->charge(m_costs.thread_switch);
    hand_over(next);
    park(self);
}

kernel_thread& kernel::wait_for_ready() {
    expire_timers();
    while (m_ready.empty()) {
        // What is owed is paid first: a handler that runs meanwhile may make a thread ready, and its event is
        // then no longer there to end the block.
        ports.vcpu->sync();
        expire_timers();
        if (!m_ready.empty()) {
            break;
        }
        ports.vcpu->block(nearest_deadline());
        expire_timers();
    }
    kernel_thread& next = *m_ready.front();
    m_ready.pop_front();
    next.ready = false;
    return next;
}

void kernel::make_ready(kernel_thread& thread) {
    if (!thread.ready) {
        thread.ready = true;
        m_ready.push_back(&thread);
    }
}

void kernel::arm_timer(kernel_thread& thread, const sc_time& deadline) {
    const timer_key key{deadline, m_timer_sequence++};
    m_timers.emplace(key, timer_entry{&thread, nullptr});
    thread.timer = key;
}

void kernel::disarm_timer(kernel_thread& thread) {
    if (thread.timer) {
        m_timers.erase(*thread.timer);
        thread.timer.reset();
    }
}

void kernel::expire_timers() {
    while (!m_timers.empty() && m_timers.begin()->first.first <= now()) {
        const timer_entry expired = std::move(m_timers.begin()->second);
        m_timers.erase(m_timers.begin());
        if (expired.thread == nullptr) {
            expired.action();
            continue;
        }
        expired.thread->timer.reset();
        make_ready(*expired.thread);
    }
}

std::optional<sc_time> kernel::nearest_deadline() const {
    return m_timers.empty() ? std::nullopt : std::optional(m_timers.begin()->first.first);
}

void kernel::sleep(const sc_time& duration) {
    kernel_thread& self = current();
    pay();
    arm_timer(self, now() + duration);
    schedule();
}

void kernel::yield() {
    kernel_thread& self = current();
    pay();
    make_ready(self);
    schedule();
}

void kernel::charge(const sc_time& cpu_time) {
    ports.vcpu->charge(cpu_time);
}

void kernel::pay() {
    current();
    ports.vcpu->sync();
}

void kernel::call_after(const sc_time& delay, std::function<void()> action) {
    m_timers.emplace(timer_key{now() + delay, m_timer_sequence++}, timer_entry{nullptr, std::move(action)});
}

// ---- wait queues

// A queue may be gone before a thread that waits in it unwinds, and may outlive a boot: so nothing is taken
// back on the way out, and what an earlier life left is dropped at the next use.
void wait_queue::forget_last_life() {
    if (m_life != m_kernel.m_boots) {
        m_life = m_kernel.m_boots;
        m_waiting.clear();
    }
}

void wait_queue::wait() {
    forget_last_life();
    m_waiting.push_back(&m_kernel.current());
    m_kernel.schedule();
}

void wait_queue::wait_for(const std::function<bool()>& condition) {
    while (!condition()) {
        wait();
    }
}

bool wait_queue::wait_for(const std::function<bool()>& condition, const sc_time& timeout) {
    if (condition()) {
        return true;
    }
    m_kernel.pay();
    kernel_thread& self = m_kernel.current();
    m_kernel.arm_timer(self, m_kernel.now() + timeout);
    while (!condition()) {
        if (!self.timer) {
            return false;
        }
        wait();
        std::erase(m_waiting, &self);
    }
    m_kernel.disarm_timer(self);
    return true;
}

void wait_queue::wake() {
    forget_last_life();
    for (kernel_thread* thread : m_waiting) {
        m_kernel.make_ready(*thread);
    }
    m_waiting.clear();
}

}  // namespace vtwin::models
