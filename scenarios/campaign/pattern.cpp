#include "scenarios/campaign/pattern.h"

#include <algorithm>
#include <functional>

namespace vtwin::scenario {
namespace {

/// Takes the lowest digit of a number whose digits have different bases.
std::uint64_t take_digit(std::uint64_t& number, std::uint64_t base) {
    const auto digit = number % base;
    number /= base;
    return digit;
}

std::uint64_t size_or_one(const dimension& axis) {
    return std::max<std::uint64_t>(axis.size(), 1);
}

using axis_list = std::vector<std::reference_wrapper<const dimension>>;

axis_list trigger_axes(const fault_pattern& pattern) {
    axis_list axes = {pattern.target, pattern.on, pattern.at};
    for (const auto& [name, axis] : pattern.where)
        axes.emplace_back(axis);
    return axes;
}

axis_list parameter_axes(const fault_pattern& pattern) {
    axis_list axes;
    for (const auto& [name, axis] : pattern.with)
        axes.emplace_back(axis);
    return axes;
}

std::optional<std::uint64_t> product_of(const axis_list& axes) {
    std::optional<std::uint64_t> product = 1;
    for (const dimension& axis : axes)
        if (product)
            product = checked_product(*product, size_or_one(axis));
    return product;
}

/// One fault, by a position on each axis: the trigger's, then the parameters'.
fault fault_of(const fault_pattern& pattern, const std::vector<std::uint64_t>& positions, std::uint64_t nth) {
    auto position = positions.begin();
    fault made;
    made.name = pattern.name;
    std::ranges::replace(made.name, '.', '-');  // a name that a scenario file may have, too
    made.kind = pattern.kind;
    made.target = pattern.target.at(*position++);
    const auto on = *position++, at = *position++;
    if (pattern.on.given())
        made.when.on = pattern.on.at(on);
    if (pattern.at.given())
        made.when.at = sc_core::sc_time::from_value(pattern.at.number_at(at));
    for (const auto& [name, axis] : pattern.where)
        made.when.where.push_back({name, axis.at(*position++)});
    for (const auto& [name, axis] : pattern.with)
        made.parameters[name] = axis.at(*position++);
    made.when.nth = nth;
    made.when.count = pattern.count;
    made.when.per_million = pattern.per_million;
    if (pattern.duration)
        made.when.duration = sc_core::sc_time::from_value(*pattern.duration);
    return made;
}

}  // namespace

std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return product > most_points ? std::nullopt : std::optional(static_cast<std::uint64_t>(product));
}

std::optional<std::uint64_t> trigger_count(const fault_pattern& pattern) {
    return product_of(trigger_axes(pattern));
}

std::optional<std::uint64_t> parameter_count(const fault_pattern& pattern) {
    return product_of(parameter_axes(pattern));
}

fault fault_at(const fault_pattern& pattern, std::uint64_t trigger, std::uint64_t nth,
               std::uint64_t parameters) {
    std::vector<std::uint64_t> positions;
    for (const dimension& axis : trigger_axes(pattern))
        positions.push_back(take_digit(trigger, size_or_one(axis)));
    for (const dimension& axis : parameter_axes(pattern))
        positions.push_back(take_digit(parameters, size_or_one(axis)));
    return fault_of(pattern, positions, nth);
}

std::vector<fault> telling_points(const fault_pattern& pattern) {
    auto axes = trigger_axes(pattern);
    std::ranges::copy(parameter_axes(pattern), std::back_inserter(axes));
    std::vector<fault> points;
    std::vector<std::uint64_t> positions(axes.size(), 0);
    for (std::size_t axis = 0; axis < axes.size(); ++axis) {
        for (const auto position : axes[axis].get().telling_positions()) {
            positions[axis] = position;
            if (position != 0 || axis == 0)
                points.push_back(fault_of(pattern, positions, 1));
        }
        positions[axis] = 0;
    }
    return points;
}

}  // namespace vtwin::scenario
