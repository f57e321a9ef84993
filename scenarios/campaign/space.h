// The points of a stratum: every seed with every value of every key of its faults, by number.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "scenarios/campaign/pattern.h"

namespace vtwin::scenario {

/// The points of one pattern in one seed. With nth = "all" there are as many for a trigger as crossings meet
/// it.
class pattern_space {
  public:
    /// `crossings`: one number per trigger of the pattern (fault_at's `trigger`), only with nth = "all".
    /// Throws user_error when there are more than most_points.
    pattern_space(const fault_pattern& pattern, std::vector<std::uint64_t> crossings);

    std::uint64_t size() const { return m_size; }
    /// Not checked, so not complete.
    fault at(std::uint64_t index) const;

  private:
    const fault_pattern* m_pattern;
    std::vector<std::uint64_t> m_ends;  ///< with nth = "all": crossings of the triggers so far, added up
    std::uint64_t m_parameters = 1, m_triggers = 1, m_size = 0;
};

/// All points of a stratum. Seeds are outermost.
class stratum_space {
  public:
    /// For each seed one space per fault of the stratum.
    explicit stratum_space(std::vector<std::vector<pattern_space>> per_seed);

    std::uint64_t size() const { return m_ends.empty() ? 0 : m_ends.back(); }
    struct point {
        std::size_t seed = 0;  ///< position among the seeds
        std::vector<fault> faults;
    };
    point at(std::uint64_t index) const;

  private:
    std::vector<std::vector<pattern_space>> m_per_seed;
    std::vector<std::uint64_t> m_ends;
};

}  // namespace vtwin::scenario
