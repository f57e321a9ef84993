#include "scenarios/schema/units.h"

#include <fmt/format.h>

#include <span>

namespace vtwin::scenario {
namespace {

struct unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr unit time_units[] = {{"ps", 1},
                               {"ns", 1'000},
                               {"us", 1'000'000},
                               {"ms", 1'000'000'000},
                               {"s", 1'000'000'000'000},
                               {"min", 60'000'000'000'000},
                               {"h", 3'600'000'000'000'000}};
constexpr std::uint64_t longest_time = 200ULL * 24 * 3'600'000'000'000'000;

constexpr unit size_units[] = {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}};
constexpr std::uint64_t largest_size = 1ULL << 53;

/// Number with optional decimals, blanks, unit. Exact: the decimals must leave a whole number of base units.
std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const unit> units,
                                            std::uint64_t limit) {
    std::size_t i = 0;
    unsigned __int128 number = 0;
    unsigned __int128 scale = 1;
    bool decimals = false;
    bool any = false;
    for (; i < text.size() && (is_digit(text[i]) || (text[i] == '.' && any && !decimals)); ++i) {
        if (text[i] == '.') {
            decimals = true;
            continue;
        }
        any = true;
        number = number * 10 + static_cast<unsigned>(text[i] - '0');
        if (decimals)
            scale *= 10;
        if (number > limit || scale > limit)
            return std::nullopt;
    }
    if (!any || text[i - 1] == '.')
        return std::nullopt;
    while (i < text.size() && text[i] == ' ')
        ++i;
    for (const unit& each : units) {
        if (text.substr(i) != each.name)
            continue;
        unsigned __int128 total = number * each.factor;
        if (total % scale != 0 || total / scale > limit)
            return std::nullopt;
        return static_cast<std::uint64_t>(total / scale);
    }
    return std::nullopt;
}

std::string print_quantity(std::uint64_t amount, std::span<const unit> units) {
    const unit* best = &units.front();
    for (const unit& each : units) {
        if (amount != 0 && amount % each.factor == 0)
            best = &each;
    }
    return std::to_string(amount / best->factor) + ' ' + std::string(best->name);
}

}  // namespace

std::optional<std::uint64_t> parse_time(std::string_view text) {
    return parse_quantity(text, time_units, longest_time);
}
std::string print_time(std::uint64_t picoseconds) {
    return print_quantity(picoseconds, std::span(time_units).first(5));
}
std::optional<std::uint64_t> parse_size(std::string_view text) {
    return parse_quantity(text, size_units, largest_size);
}
std::string print_size(std::uint64_t bytes) {
    return print_quantity(bytes, size_units);
}

std::optional<std::uint64_t> parse_probability(std::string_view text) {
    constexpr std::size_t decimals = 6;
    const auto point = text.find('.');
    const auto whole = text.substr(0, point);
    std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));
    const bool digits = text.find_first_not_of("0123456789.") == std::string_view::npos &&
                        fraction.find('.') == std::string::npos;
    if (!digits || (whole != "0" && whole != "1") || fraction.size() > decimals ||
        (point != std::string_view::npos && fraction.empty()))
        return std::nullopt;
    fraction.resize(decimals, '0');
    const auto per_million = std::stoull(fraction) + (whole == "1" ? 1'000'000 : 0);
    return per_million == 0 || per_million > 1'000'000 ? std::nullopt : std::optional(per_million);
}

std::string print_probability(std::uint64_t per_million) {
    auto text = fmt::format("{}.{:06}", per_million / 1'000'000, per_million % 1'000'000);
    text.erase(text.find_last_not_of('0') + 1);
    return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

}  // namespace vtwin::scenario
