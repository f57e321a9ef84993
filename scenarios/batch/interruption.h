// Waiting that the user may end.
#pragma once

#include <chrono>
#include <csignal>

namespace vtwin::scenario {

/// While it lives, SIGINT and SIGTERM do not end the program but the waiting. Not for programs with more than
/// one thread.
class interruption {
  public:
    interruption();
    ~interruption();
    interruption(const interruption&) = delete;
    interruption& operator=(const interruption&) = delete;

    /// Waits; the signal when one came, before or meanwhile, else 0.
    int wait(std::chrono::milliseconds longest);

  private:
    sigset_t m_watched{}, m_before{};
};

}  // namespace vtwin::scenario
