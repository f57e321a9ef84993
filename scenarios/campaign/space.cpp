#include "scenarios/campaign/space.h"

#include <algorithm>

namespace vtwin::scenario {
namespace {

[[noreturn]] void refuse_size(const fault_pattern& pattern) {
    throw user_error(pattern.where_written, pattern.name, "more points than can be counted (2^63)");
}

std::uint64_t product(const fault_pattern& pattern, std::uint64_t a, std::uint64_t b) {
    const auto made = checked_product(a, b);
    if (!made)
        refuse_size(pattern);
    return *made;
}

std::uint64_t sum(const fault_pattern& pattern, std::uint64_t a, std::uint64_t b) {
    if (a > most_points - b)
        refuse_size(pattern);
    return a + b;
}

/// Part that holds an index, and the index within it, from the ends of the parts.
std::pair<std::size_t, std::uint64_t> find_part(const std::vector<std::uint64_t>& ends, std::uint64_t index) {
    const auto part = std::ranges::upper_bound(ends, index);
    sc_assert(part != ends.end());
    const auto start = part == ends.begin() ? 0 : *(part - 1);
    return {static_cast<std::size_t>(part - ends.begin()), index - start};
}

}  // namespace

pattern_space::pattern_space(const fault_pattern& pattern, std::vector<std::uint64_t> crossings)
    : m_pattern(&pattern) {
    const auto triggers = trigger_count(pattern), parameters = parameter_count(pattern);
    if (!triggers || !parameters)
        refuse_size(pattern);
    m_triggers = *triggers;
    m_parameters = *parameters;
    std::uint64_t beginnings = 0;
    if (pattern.every_crossing) {
        sc_assert(crossings.size() == m_triggers);
        for (const auto count : crossings)
            m_ends.push_back(beginnings = sum(pattern, beginnings, count));
    } else {
        beginnings = product(pattern, m_triggers, pattern.nth.size());
    }
    m_size = product(pattern, beginnings, m_parameters);
}

fault pattern_space::at(std::uint64_t index) const {
    sc_assert(index < m_size);
    const auto beginning = index / m_parameters, parameters = index % m_parameters;
    if (m_pattern->every_crossing) {
        const auto [trigger, before] = find_part(m_ends, beginning);
        return fault_at(*m_pattern, trigger, before + 1, parameters);
    }
    const auto nth = m_pattern->nth.number_at(beginning / m_triggers);
    return fault_at(*m_pattern, beginning % m_triggers, nth, parameters);
}

stratum_space::stratum_space(std::vector<std::vector<pattern_space>> per_seed)
    : m_per_seed(std::move(per_seed)) {
    std::uint64_t all = 0;
    for (const auto& faults : m_per_seed) {
        std::uint64_t size = 1;
        for (const auto& each : faults) {
            const auto made = checked_product(size, each.size());
            if (!made)
                throw user_error({}, "", "more combinations of faults than can be counted (2^63)");
            size = *made;
        }
        if (all > most_points - size)
            throw user_error({}, "", "more points over all seeds than can be counted (2^63)");
        m_ends.push_back(all += size);
    }
}

stratum_space::point stratum_space::at(std::uint64_t index) const {
    auto [seed, rest] = find_part(m_ends, index);
    point made;
    made.seed = seed;
    for (const auto& each : m_per_seed[seed]) {
        made.faults.push_back(each.at(rest % each.size()));
        rest /= each.size();
    }
    return made;
}

}  // namespace vtwin::scenario
