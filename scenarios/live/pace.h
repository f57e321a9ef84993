// How wall time and simulated time hang together while clients are served.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <systemc>

namespace vtwin::scenario::live {

inline constexpr std::uint64_t ps_per_ns = 1000;

/// Free: simulated time stands still while nobody asks, and an answer is given as soon as it is computed.
/// Otherwise simulated time runs `permille` / 1000 times as fast as wall time: a client's think time is idle
/// time of the machine, and an answer is given when its time has come. A simulation that falls behind answers
/// late and loses nothing.
struct pace {
    std::uint64_t permille = 0;  ///< 0: free
    bool free() const { return permille == 0; }
};

/// "free", "real", or a factor such as "10" or "0.5" (0.001 to 1000000); nullopt otherwise.
std::optional<pace> parse_pace(std::string_view text);

/// Simulated time for wall time and back, from the moment of start() on.
class paced_clock {
  public:
    using wall_time = std::chrono::nanoseconds;  ///< since an arbitrary moment, monotonic

    explicit paced_clock(pace chosen) : m_pace(chosen) {}
    bool free() const { return m_pace.free(); }
    void start(wall_time wall, const sc_core::sc_time& simulated) {
        m_wall = wall;
        m_simulated = simulated;
    }
    /// The point of simulated time that belongs to `wall`, horizon() at most; only when not free.
    sc_core::sc_time simulated_at(wall_time wall) const;
    /// When a simulated moment is due.
    wall_time wall_at(const sc_core::sc_time& simulated) const;
    /// Half of what simulated time can tell, some hundred days: there it stands still for clients, so that
    /// nothing that is added to it overflows.
    static sc_core::sc_time horizon();

  private:
    pace m_pace;
    wall_time m_wall{};
    sc_core::sc_time m_simulated;
};

}  // namespace vtwin::scenario::live
