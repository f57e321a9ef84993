// A domain's system time that need not be the true one.
#pragma once

#include <cstdint>
#include <optional>
#include <systemc>

namespace vtwin::scenario {

/// Runs with simulated time until it is told otherwise. Whole picoseconds; never below zero nor above
/// `latest`.
class domain_clock {
  public:
    static constexpr std::uint64_t true_rate = 1'000'000;  ///< parts per million
    static sc_core::sc_time latest() { return sc_core::sc_time::from_value(std::uint64_t{1} << 63); }

    sc_core::sc_time now() const;
    /// Simulated time at which it will first show `local` or more; nullopt: never, as things are.
    std::optional<sc_core::sc_time> reaches(const sc_core::sc_time& local) const;

    void set_rate(std::uint64_t per_million);  ///< 0: it stands still
    void step_forward(const sc_core::sc_time& by);
    void step_backward(const sc_core::sc_time& by);

  private:
    void rebase();
    sc_core::sc_time m_local, m_simulated;  // it showed the one at the other
    std::uint64_t m_rate = true_rate;
};

}  // namespace vtwin::scenario
