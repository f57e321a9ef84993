// Where threads of a guest kernel wait for each other and for event channel handlers.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <systemc>

namespace vtwin::models {

class kernel;
struct kernel_thread;

/// Threads waiting for a condition. wake() may be called from threads and from event channel handlers.
class wait_queue {
  public:
    explicit wait_queue(kernel& owner) : m_kernel(owner) {}

    /// Blocks the calling thread until the next wake().
    void wait();
    /// Blocks until `condition` holds, looking at once and again after every wake().
    void wait_for(const std::function<bool()>& condition);
    /// The same with a limit from now on; false when the time is over and the condition still does not hold.
    [[nodiscard]] bool wait_for(const std::function<bool()>& condition, const sc_core::sc_time& timeout);
    /// Makes every waiting thread ready, in the order of arrival.
    void wake();

  private:
    friend class kernel;
    void forget_last_life();
    kernel& m_kernel;
    std::uint64_t m_life = 0;  ///< boot of the kernel that m_waiting belongs to
    std::deque<kernel_thread*> m_waiting;
};

/// A lock handed over in the order of arrival.
class kernel_mutex {
  public:
    explicit kernel_mutex(kernel& owner) : m_free(owner) {}
    void lock() {
        m_free.wait_for([this] { return !m_held; });
        m_held = true;
    }
    void unlock() {
        m_held = false;
        m_free.wake();
    }
    bool held() const { return m_held; }
    /// After a reboot: whoever held it has gone.
    void reset() { m_held = false; }

  private:
    wait_queue m_free;
    bool m_held = false;
};

}  // namespace vtwin::models
