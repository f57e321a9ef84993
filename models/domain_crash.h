// How a stub domain's program dies of its own fault: an abort of the mini-os C library, a null pointer,
// memory that was freed or overrun. Where the real outcome depends on undefined memory contents, the models
// take the crash.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace vtwin::models {

/// Thrown by a stub domain's program; the domain's thread wrapper turns it into SHUTDOWN_crash.
class domain_crash : public std::exception {
  public:
    explicit domain_crash(std::string cause) : m_cause(std::move(cause)) {}
    const char* what() const noexcept override { return m_cause.c_str(); }

  private:
    std::string m_cause;
};

}  // namespace vtwin::models
