// One axis of a fault space: the values that a key of a fault takes, in order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vtwin::scenario {

/// Values written out, or a range that is never written out: a space may have 10^9 points.
class dimension {
  public:
    enum class form : std::uint8_t { number, time };

    /// No values: the key was not given.
    dimension() = default;
    explicit dimension(std::vector<std::string> values) : m_values(std::move(values)) {}
    /// from, from + step, ... up to `to`; times in picoseconds. from <= to, step > 0.
    dimension(form which, std::uint64_t from, std::uint64_t to, std::uint64_t step)
        : m_form(which), m_from(from), m_step(step), m_size((to - from) / step + 1) {}

    bool given() const { return size() != 0; }
    std::uint64_t size() const { return m_size != 0 ? m_size : m_values.size(); }
    /// As a fault's parameter is written: a word, a decimal number, a time with its unit.
    std::string at(std::uint64_t index) const;
    /// The same as a number: picoseconds for a time. Only for a range, or for values that are numbers.
    std::uint64_t number_at(std::uint64_t index) const;
    /// Positions that are worth a check: all written values; of a range its ends, for what lies between two
    /// right values is right.
    std::vector<std::uint64_t> telling_positions() const;

  private:
    std::vector<std::string> m_values;
    form m_form = form::number;
    std::uint64_t m_from = 0, m_step = 1, m_size = 0;
};

}  // namespace vtwin::scenario
