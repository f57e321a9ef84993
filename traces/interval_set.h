// Sets of time spans in whole nanoseconds, to tell which part of a command's time belongs to whom.
#pragma once

#include <cstdint>
#include <vector>

namespace vtwin::trace {

/// Half-open spans, kept sorted and disjoint.
class interval_set {
  public:
    struct span {
        std::uint64_t begin = 0, end = 0;
        bool operator==(const span&) const = default;
    };

    interval_set() = default;
    interval_set(std::uint64_t begin, std::uint64_t end) { add(begin, end); }

    /// Empty spans are ignored. Cheap when spans come roughly in order.
    void add(std::uint64_t begin, std::uint64_t end);
    void add(const interval_set& other);
    /// Forgets everything before `time`.
    void forget_before(std::uint64_t time);
    std::uint64_t length() const;
    const std::vector<span>& spans() const { return m_spans; }

    interval_set intersected(const interval_set& other) const;
    interval_set without(const interval_set& other) const;

  private:
    std::vector<span> m_spans;
};

}  // namespace vtwin::trace
