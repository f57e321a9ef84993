#include "models/vtpm/options.h"

#include <charconv>

namespace vtwin::models {
namespace {

constexpr std::size_t max_locality_rules = 16;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (end != 0)
            parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            break;
        text.remove_prefix(end + 1);
    }
    return parts;
}

std::optional<locality_rule> parse_rule(std::string_view value) {
    const auto equals = value.find('=');
    if (equals == std::string_view::npos)
        return std::nullopt;
    locality_rule rule;
    rule.label = value.substr(0, equals);
    for (const auto number : split(value.substr(equals + 1), ',')) {
        unsigned locality = 0;
        const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), locality);
        if (failure != std::errc{} || end != number.data() + number.size() || locality > 255)
            return std::nullopt;
        rule.allowed.set(locality);
    }
    return rule;
}

}  // namespace

std::optional<vtpm_options> parse_vtpm_options(std::string_view command_line, std::string& error) {
    vtpm_options options;
    for (const auto word : split(command_line, ' ')) {
        if (word == "clear") {
            options.startup = vtpm_options::startup_mode::clear;
        } else if (word == "save") {
            options.startup = vtpm_options::startup_mode::state;
        } else if (word == "deactivated") {
            options.startup = vtpm_options::startup_mode::deactivated;
        } else if (word == "maintcmds=1" || word == "maintcmds=0") {
            options.maintenance_commands = word.back() == '1';
        } else if (word.starts_with("loglevel=")) {
            continue;  // the timeline decides what is shown
        } else if (word.starts_with("locality=")) {
            auto rule = parse_rule(word.substr(9));
            if (!rule || options.rules.size() == max_locality_rules) {
                error = "bad locality option '" + std::string(word) + "'";
                return std::nullopt;
            }
            options.rules.push_back(std::move(*rule));
        } else {
            options.unknown.emplace_back(word);
        }
    }
    return options;
}

locality_match match_locality(const std::vector<locality_rule>& rules, std::string_view label,
                              bool wildcard_checked) {
    for (const auto& rule : rules) {
        if (rule.label == label)
            return {locality_match::kind::rule, rule.allowed};
        if (!rule.label.starts_with('*'))
            continue;
        const auto suffix = std::string_view(rule.label).substr(1);
        const auto found = label.find(suffix);
        if (found == std::string_view::npos) {
            if (!wildcard_checked)
                return {locality_match::kind::null_dereference, {}};
            continue;
        }
        if (found + suffix.size() == label.size())
            return {locality_match::kind::rule, rule.allowed};
    }
    return {};
}

}  // namespace vtwin::models
