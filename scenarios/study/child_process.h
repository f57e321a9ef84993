// A piece of work in a forked process: a text comes back, or the reason why none does.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "scenarios/runner/forked_child.h"

namespace vtwin::scenario::study {

/// The child (runner/forked_child.h) throws its standard output away.
class child_process {
  public:
    /// Forks; `work` runs in the child, what it returns is sent to the parent. An exception's message is
    /// sent as the problem.
    explicit child_process(const std::function<std::string()>& work);
    ~child_process();
    child_process(child_process&& other) noexcept;
    child_process& operator=(child_process&&) = delete;

    /// File descriptor that becomes readable when there is something to read.
    int readable() const { return m_pipe; }
    /// Reads what is there; false when the child has sent everything.
    bool read_some();
    /// After read_some gave false: waits for the end. False with `text` = the problem.
    bool finish(std::string& text);

  private:
    int m_pipe = -1;
    std::optional<forked_child> m_child;
    std::string m_received;
};

}  // namespace vtwin::scenario::study
