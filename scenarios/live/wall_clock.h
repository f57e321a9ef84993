// Wall time, as far as a session needs it.
#pragma once

#include <asio/io_context.hpp>
#include <functional>

#include "scenarios/live/pace.h"

namespace vtwin::scenario::live {

class wall_clock_if {
  public:
    virtual ~wall_clock_if() = default;
    virtual paced_clock::wall_time now() = 0;
    /// Calls `then` in `io` at that moment or soon after it.
    virtual void call_at(asio::io_context& io, paced_clock::wall_time when, std::function<void()> then) = 0;
};

/// The system's monotonic clock.
class steady_wall_clock final : public wall_clock_if {
  public:
    paced_clock::wall_time now() override;
    void call_at(asio::io_context& io, paced_clock::wall_time when, std::function<void()> then) override;
};

}  // namespace vtwin::scenario::live
