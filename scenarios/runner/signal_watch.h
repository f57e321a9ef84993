// SIGINT and SIGTERM while a run goes on.
#pragma once

#include <csignal>
#include <stdexcept>

namespace vtwin::scenario {

/// While it lives, the first of these signals does not end the program but is kept for whoever asks. Another
/// one ends the program at once, unless it comes within half a second: timeout(1) sends two for one. One per
/// process at a time.
class signal_watch {
  public:
    /// Throws std::system_error when the system gives no pipe.
    signal_watch();
    ~signal_watch();
    signal_watch(const signal_watch&) = delete;
    signal_watch& operator=(const signal_watch&) = delete;

    /// The signal that came; 0: none.
    int heard() const;
    /// Becomes readable when one comes, and stays so. For others to wait on, not to read.
    int descriptor() const { return m_readable; }
    /// Ends the program by the signal that came, as if nobody had watched.
    void give_way() const;

  private:
    int m_readable = -1, m_writable = -1;
    struct sigaction m_before_int {
    }, m_before_term{};
};

/// A run was ended by a signal before its end; it has left nothing.
class run_interrupted : public std::runtime_error {
  public:
    run_interrupted() : std::runtime_error("the run was interrupted") {}
};

}  // namespace vtwin::scenario
