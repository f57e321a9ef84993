#include "scenarios/schema/key.h"

#include <algorithm>

#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

bool is_name(std::string_view text) {
    auto allowed = [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

bool is_index(std::string_view text) {
    return !text.empty() && text.size() < 6 && std::all_of(text.begin(), text.end(), is_digit);
}

bool segment_matches(std::string_view pattern, std::string_view text) {
    if (pattern == "<name>")
        return is_name(text);
    if (pattern == "<n>")
        return is_index(text);
    return pattern == text;
}

/// `<behaviour>` stands for two segments: component and what happens.
std::vector<std::string> pattern_segments(const key_declaration& key) {
    std::vector<std::string> segments = split_path(key.pattern);
    if (segments.back() == "<behaviour>") {
        segments.back() = "<name>";
        segments.emplace_back("<name>");
    }
    return segments;
}

bool starts_with(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
    if (path.size() > pattern.size())
        return false;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (!segment_matches(pattern[i], path[i]))
            return false;
    }
    return true;
}

std::string range_text(const key_declaration& key) {
    if (key.max == UINT64_MAX)
        return key.min == 0 ? "" : " from " + std::to_string(key.min);
    return " from " + std::to_string(key.min) + " to " + std::to_string(key.max);
}

std::string choices_text(const key_declaration& key) {
    std::string text;
    for (const std::string& choice : key.choices)
        text += (text.empty() ? "\"" : ", \"") + choice + '"';
    return text;
}

std::string size_text(const key_declaration& key) {
    std::string text = "a size such as \"2 MiB\"";
    if (key.min != 0)
        text += ", at least " + print_size(key.min);
    if (key.max != UINT64_MAX)
        text += ", at most " + print_size(key.max);
    return text;
}

}  // namespace

std::string expected(const key_declaration& key) {
    switch (key.type) {
        case value_type::boolean:
            return "true or false";
        case value_type::integer:
            return "a whole number" + range_text(key);
        case value_type::string:
            return "a string";
        case value_type::size:
            return size_text(key);
        case value_type::time:
            return "a time such as \"5 ms\"";
        case value_type::hex:
            return key.min == key.max ? std::to_string(key.min) + " hexadecimal digits"
                                      : "an even number of hexadecimal digits";
        case value_type::uuid:
            return "a UUID such as \"01234567-89ab-cdef-0123-456789abcdef\"";
        case value_type::path:
            return "a path";
        case value_type::file_list:
            return "a list of paths or patterns such as [\"/usr/bin/*\"]";
        case value_type::choice:
            return "one of " + choices_text(key);
        case value_type::choice_list:
            return "a list of some of " + choices_text(key);
        case value_type::word_list:
            return "a list of strings";
        case value_type::pcr_list:
            return "a list of PCR numbers from 0 to 23";
        case value_type::scalar:
            return "a string, a whole number, true or false";
        case value_type::probability:
            return "a probability above 0 and up to 1, with at most six decimals";
    }
    return "";
}

std::string_view type_name(value_type type) {
    switch (type) {
        case value_type::boolean:
            return "boolean";
        case value_type::integer:
            return "integer";
        case value_type::string:
            return "string";
        case value_type::size:
            return "size";
        case value_type::time:
            return "time";
        case value_type::hex:
            return "hex";
        case value_type::uuid:
            return "uuid";
        case value_type::path:
            return "path";
        case value_type::file_list:
            return "file list";
        case value_type::choice:
            return "choice";
        case value_type::choice_list:
            return "choices";
        case value_type::word_list:
            return "strings";
        case value_type::pcr_list:
            return "PCR list";
        case value_type::scalar:
            return "scalar";
        case value_type::probability:
            return "probability";
    }
    return "";
}

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> segments;
    std::size_t start = 0;
    for (;;) {
        std::size_t dot = path.find('.', start);
        segments.emplace_back(path.substr(start, dot - start));
        if (dot == std::string_view::npos)
            return segments;
        start = dot + 1;
    }
}

const key_declaration* find_key(std::string_view path) {
    std::vector<std::string> segments = split_path(path);
    for (const key_declaration& key : all_keys()) {
        std::vector<std::string> pattern = pattern_segments(key);
        if (pattern.size() == segments.size() && starts_with(pattern, segments))
            return &key;
    }
    return nullptr;
}

bool is_section(std::string_view path) {
    std::vector<std::string> segments = split_path(path);
    return std::any_of(all_keys().begin(), all_keys().end(), [&](const key_declaration& key) {
        std::vector<std::string> pattern = pattern_segments(key);
        return pattern.size() > segments.size() && starts_with(pattern, segments);
    });
}

bool is_array(std::string_view path) {
    std::vector<std::string> segments = split_path(path);
    return std::any_of(all_keys().begin(), all_keys().end(), [&](const key_declaration& key) {
        std::vector<std::string> pattern = pattern_segments(key);
        return pattern.size() > segments.size() && starts_with(pattern, segments) &&
               pattern[segments.size()] == "<n>";
    });
}

std::vector<std::string> candidate_paths(std::string_view path) {
    std::vector<std::string> segments = split_path(path);
    std::vector<std::string> found;
    for (const key_declaration& key : all_keys()) {
        std::vector<std::string> pattern = pattern_segments(key);
        if (pattern.size() < segments.size())
            continue;
        pattern.resize(segments.size());
        std::string candidate;
        for (std::size_t i = 0; i < pattern.size(); ++i) {
            if (i != 0)
                candidate += '.';
            candidate += pattern[i].front() == '<' ? segments[i] : pattern[i];
        }
        if (std::find(found.begin(), found.end(), candidate) == found.end())
            found.push_back(candidate);
    }
    return found;
}

bool path_less::operator()(std::string_view a, std::string_view b) const {
    std::size_t i = 0;
    std::size_t j = 0;
    auto number = [](std::string_view text, std::size_t& at) {
        std::size_t start = at;
        while (at < text.size() && is_digit(text[at]))
            ++at;
        std::string_view digits = text.substr(start, at - start);
        return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
    };
    while (i < a.size() && j < b.size()) {
        if (is_digit(a[i]) && is_digit(b[j])) {
            std::string_view x = number(a, i);
            std::string_view y = number(b, j);
            if (x.size() != y.size())
                return x.size() < y.size();
            if (x != y)
                return x < y;
            continue;
        }
        if (a[i] != b[j])
            return a[i] == '.' || (b[j] != '.' && a[i] < b[j]);
        ++i;
        ++j;
    }
    if (i < a.size() || j < b.size())
        return i == a.size();
    return a < b;  // equal up to leading zeros
}

}  // namespace vtwin::scenario
