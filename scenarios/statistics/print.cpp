#include "scenarios/statistics/print.h"

#include <fmt/format.h>

#include <cmath>

namespace vtwin::scenario {
namespace {

/// Three digits without an exponent; no zeros at the end.
std::string three_digits(double number) {
    if (number <= 0)
        return "0";
    const int before_point = static_cast<int>(std::floor(std::log10(number))) + 1;
    auto text = fmt::format("{:.{}f}", number, std::max(0, 3 - before_point));
    if (text.find('.') == std::string::npos)
        return text;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.')
        text.pop_back();
    return text;
}

}  // namespace

std::string print_percent(double ratio) {
    const auto text = three_digits(ratio * 100);
    // What is not all must not look like all.
    return ratio < 1 && text == "100" ? "> 99.9 %" : text + " %";
}

std::string print_interval(const interval& within) {
    return print_percent(within.low) + " .. " + print_percent(within.high);
}

std::string print_share(std::uint64_t hits, std::uint64_t runs) {
    return fmt::format("{}/{}", hits, runs);
}

std::string print_probability(double p) {
    return p >= 0.001 ? three_digits(p) : fmt::format("{:.1e}", p);
}

}  // namespace vtwin::scenario
