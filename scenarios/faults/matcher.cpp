#include "scenarios/faults/matcher.h"

#include <fmt/format.h>

#include <charconv>

namespace vtwin::scenario {
namespace {

std::vector<std::string> split(std::string_view text, char at) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    for (;;) {
        const auto end = text.find(at, start);
        parts.emplace_back(text.substr(start, end - start));
        if (end == std::string_view::npos)
            return parts;
        start = end + 1;
    }
}

struct range {
    std::uint64_t from, to;
};
std::optional<range> parse_range(std::string_view text) {
    if (const auto one = parse_number(text))
        return range{*one, *one};
    const auto dots = text.find("..");
    if (dots == std::string_view::npos)
        return std::nullopt;
    const auto from = parse_number(text.substr(0, dots)), to = parse_number(text.substr(dots + 2));
    if (!from || !to)
        return std::nullopt;
    return range{*from, *to};
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal)
        text.remove_prefix(2);
    std::uint64_t number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::optional<field> parse_field(std::string_view name) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(field::count_); ++i)
        if (text_of(static_cast<field>(i)) == name)
            return static_cast<field>(i);
    return std::nullopt;
}

matcher::matcher(const condition& what) : m_field(parse_field(what.field).value_or(field::count_)) {
    for (auto& part : split(what.pattern, '|')) {
        alternative made;
        if (const auto numbers = parse_range(part)) {
            made.numeric = true;
            made.from = numbers->from;
            made.to = numbers->to;
        }
        made.glob = std::move(part);
        m_alternatives.push_back(std::move(made));
    }
}

bool matcher::matches(const crossing& what, std::string_view stage) const {
    field_value value{m_field, 0, stage};
    if (m_field != field::stage) {
        const auto* found = what.find(m_field);
        if (found == nullptr)
            return false;
        value = *found;
    }
    const bool textual = !value.text.empty();
    for (const auto& each : m_alternatives) {
        if (textual        ? glob_matches(each.glob, value.text)
            : each.numeric ? value.number >= each.from && value.number <= each.to
                           : each.glob == "*")
            return true;
    }
    return false;
}

std::string matcher::problem_of(const condition& what) {
    for (const auto& part : split(what.pattern, '|')) {
        if (part.empty())
            return "an empty alternative";
        if (const auto numbers = parse_range(part); numbers && numbers->from > numbers->to)
            return fmt::format("the range '{}' is upside down: nothing lies in it", part);
    }
    return "";
}

}  // namespace vtwin::scenario
