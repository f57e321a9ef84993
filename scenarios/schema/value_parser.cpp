#include "scenarios/schema/value_parser.h"

#include <glob.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "models/ports.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

refusal refuse(const key_declaration& key, const std::string& seen, const std::string& more = "") {
    return {"expected " + expected(key) + ", got " + seen + more};
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
}

bool in_range(const key_declaration& key, std::uint64_t number) {
    return number >= key.min && number <= key.max;
}

std::string absolute_path(const std::string& text, const std::filesystem::path& folder) {
    return (folder / text).lexically_normal().string();
}

parsed_value parse_string(const key_declaration& key, const std::string& text,
                          const std::filesystem::path& folder) {
    const std::string seen = '"' + text + '"';
    switch (key.type) {
        case value_type::size:
            if (auto bytes = parse_size(text); bytes && in_range(key, *bytes))
                return value{*bytes};
            break;
        case value_type::time:
            if (auto time = parse_time(text); time && in_range(key, *time))
                return value{*time};
            break;
        case value_type::hex: {
            bool digits = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
            if (digits && text.size() % 2 == 0 && in_range(key, text.size()))
                return value{lower(text)};
            break;
        }
        case value_type::uuid:
            if (models::parse_uuid(text))
                return value{lower(text)};
            break;
        case value_type::choice:
            if (std::find(key.choices.begin(), key.choices.end(), text) != key.choices.end())
                return value{text};
            return refuse(key, seen, suggestion(text, key.choices));
        case value_type::path:
            if (!text.empty() && text.find('\0') == std::string::npos)
                return value{absolute_path(text, folder)};
            break;
        case value_type::string:
        case value_type::scalar:
            return value{text};
        case value_type::probability:
            if (auto per_million = parse_probability(text))
                return value{*per_million};
            break;
        default:
            break;
    }
    return refuse(key, seen);
}

/// Adds the regular files that a pattern matches; false when there are none.
bool expand_pattern(const std::string& pattern, std::vector<std::string>& files) {
    glob_t found{};
    bool any = false;
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
        std::vector<std::string> matches;
        for (std::size_t i = 0; i < found.gl_pathc; ++i)
            matches.emplace_back(found.gl_pathv[i]);
        std::sort(matches.begin(), matches.end());  // not by the locale
        for (std::string& match : matches) {
            std::error_code ignored;
            if (!std::filesystem::is_regular_file(match, ignored))
                continue;
            any = true;
            if (std::find(files.begin(), files.end(), match) == files.end())
                files.push_back(std::move(match));
        }
    }
    ::globfree(&found);
    return any;
}

parsed_value parse_words(const key_declaration& key, const std::vector<std::string>& words,
                         const std::filesystem::path& folder) {
    std::vector<std::string> content;
    for (const std::string& word : words) {
        if (key.type == value_type::file_list) {
            if (!expand_pattern(absolute_path(word, folder), content))
                return refusal{"no file matches \"" + word + '"'};
        } else if (key.type == value_type::choice_list) {
            if (std::find(key.choices.begin(), key.choices.end(), word) == key.choices.end())
                return refuse(key, '"' + word + '"', suggestion(word, key.choices));
            content.push_back(word);
        } else {
            content.push_back(word);
        }
    }
    return value{content};
}

parsed_value parse_pcrs(const key_declaration& key, const toml::array& array) {
    std::vector<std::uint64_t> pcrs;
    for (const toml::node& node : array) {
        auto number = node.value_exact<std::int64_t>();
        if (!number)
            return refuse(key, "an element that is no whole number");
        if (*number < 0 || *number > 23)
            return refuse(key, std::to_string(*number));
        pcrs.push_back(static_cast<std::uint64_t>(*number));
    }
    std::sort(pcrs.begin(), pcrs.end());
    pcrs.erase(std::unique(pcrs.begin(), pcrs.end()), pcrs.end());
    return value{pcrs};
}

bool is_list(value_type type) {
    return type == value_type::file_list || type == value_type::choice_list ||
           type == value_type::word_list || type == value_type::pcr_list;
}

parsed_value parse_list(const key_declaration& key, const toml::array& array,
                        const std::filesystem::path& folder) {
    if (key.type == value_type::pcr_list)
        return parse_pcrs(key, array);
    std::vector<std::string> words;
    for (const toml::node& node : array) {
        auto word = node.value_exact<std::string>();
        if (!word || word->empty() || word->find('\0') != std::string::npos)
            return refuse(key, word ? "an empty string or one with a NUL" : "an element that is no string");
        words.push_back(*word);
    }
    return parse_words(key, words, folder);
}

std::string describe(const toml::node& node) {
    if (node.is_table())
        return "a table";
    if (node.is_array())
        return "a list";
    if (auto text = node.value_exact<std::string>())
        return '"' + *text + '"';
    if (auto number = node.value_exact<std::int64_t>())
        return std::to_string(*number);
    if (auto flag = node.value_exact<bool>())
        return *flag ? "true" : "false";
    return node.is_floating_point() ? "a number with decimals" : "a date or time of day";
}

/// The shortest decimal that reads back as the same number, never with an exponent.
std::string print_double(double number) {
    std::array<char, 400> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
    return {digits.data(), end.ptr};
}

/// A TOML number or boolean as the text that stands for it; nullopt for what has none.
std::optional<std::string> plain_text(const key_declaration& key, const toml::node& node) {
    if (key.type == value_type::probability) {
        if (auto number = node.value_exact<double>())
            return print_double(*number);
        if (auto number = node.value_exact<std::int64_t>())
            return std::to_string(*number);
    }
    if (key.type != value_type::scalar)
        return std::nullopt;
    if (auto number = node.value_exact<std::int64_t>())
        return std::to_string(*number);
    if (auto flag = node.value_exact<bool>())
        return *flag ? "true" : "false";
    return std::nullopt;
}

}  // namespace

parsed_value parse_value(const key_declaration& key, const toml::node& node,
                         const std::filesystem::path& folder) {
    if (is_list(key.type)) {
        if (const toml::array* array = node.as_array())
            return parse_list(key, *array, folder);
    } else if (key.type == value_type::boolean) {
        if (auto flag = node.value_exact<bool>())
            return value{*flag};
    } else if (key.type == value_type::integer) {
        auto number = node.value_exact<std::int64_t>();
        if (number && *number >= 0 && in_range(key, static_cast<std::uint64_t>(*number)))
            return value{static_cast<std::uint64_t>(*number)};
    } else if (auto text = node.value_exact<std::string>()) {
        return parse_string(key, *text, folder);
    } else if (auto plain = plain_text(key, node)) {
        return parse_string(key, *plain, folder);
    }
    return refuse(key, describe(node));
}

parsed_value parse_value_text(const key_declaration& key, std::string_view text,
                              const std::filesystem::path& folder) {
    bool plain = !is_list(key.type) && key.type != value_type::boolean && key.type != value_type::integer;
    if (text.find('\n') != std::string_view::npos)
        return refuse(key, "a value of several lines");
    if (plain && !text.starts_with('"'))
        return parse_string(key, std::string(text), folder);
    try {
        toml::table table = toml::parse("v = " + std::string(text));
        return parse_value(key, *table.get("v"), folder);
    } catch (const toml::parse_error&) {
        return refuse(key, '"' + std::string(text) + '"');
    }
}

}  // namespace vtwin::scenario
