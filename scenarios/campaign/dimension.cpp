#include "scenarios/campaign/dimension.h"

#include <systemc>

#include "scenarios/faults/matcher.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {

std::string dimension::at(std::uint64_t index) const {
    sc_assert(index < size());
    if (m_size == 0)
        return m_values[index];
    const auto number = m_from + index * m_step;
    return m_form == form::time ? print_time(number) : std::to_string(number);
}

std::uint64_t dimension::number_at(std::uint64_t index) const {
    sc_assert(index < size());
    if (m_size != 0)
        return m_from + index * m_step;
    if (const auto number = parse_number(m_values[index]))
        return *number;
    const auto time = parse_time(m_values[index]);
    sc_assert(time);
    return *time;
}

std::vector<std::uint64_t> dimension::telling_positions() const {
    std::vector<std::uint64_t> telling;
    if (m_size == 0)
        for (std::uint64_t i = 0; i < m_values.size(); ++i)
            telling.push_back(i);
    else if (m_size == 1)
        telling = {0};
    else
        telling = {0, m_size - 1};
    return telling;
}

}  // namespace vtwin::scenario
