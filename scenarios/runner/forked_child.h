// A function in a forked process, and how that process ended.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace vtwin::scenario {

struct process_end {
    int signal = 0;  ///< that ended it; 0: none
    int status = 0;  ///< with which it ended, without a signal
    bool good() const { return signal == 0 && status == 0; }
    /// "was ended by signal 9 (Killed)", "ended with status 3".
    std::string text() const;
};

/// The child dies with its parent, and when this object goes. It ignores SIGINT and SIGTERM: who ends a whole
/// group of processes, as terminals and batch systems do, means the parent, and that the child ended with it
/// would be no result of its work.
class forked_child {
  public:
    /// Forks; `work` runs in the child, whose exit status is what it returns, 1 when it throws. Throws
    /// std::runtime_error when the system has no more processes.
    explicit forked_child(const std::function<int()>& work);
    ~forked_child();
    forked_child(forked_child&& other) noexcept;
    forked_child& operator=(forked_child&& other) noexcept;

    pid_t id() const { return m_id; }
    /// How it ended; nullopt while it runs. The same from then on.
    std::optional<process_end> ended();
    /// Waits for the end.
    process_end wait();

  private:
    std::optional<process_end> ask(int options);

    pid_t m_id = -1;
    std::optional<process_end> m_end;
};

}  // namespace vtwin::scenario
