#include "scenarios/campaign/table_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/campaign/keys.h"
#include "scenarios/faults/matcher.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

/// A scalar as a fault's parameters are written.
std::optional<std::string> scalar_text(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>())
        return *text;
    if (const auto number = node.value_exact<std::int64_t>(); number && *number >= 0)
        return std::to_string(*number);
    if (const auto flag = node.value_exact<bool>())
        return *flag ? "true" : "false";
    return std::nullopt;
}

std::string setting_text(const toml::node& node) {
    if (const auto* list = node.as_array()) {
        std::string text;
        for (const auto& each : *list)
            text += (text.empty() ? "" : ", ") +
                    (each.is_string() ? fmt::format("\"{}\"", *each.value_exact<std::string>())
                                      : setting_text(each));
        return '[' + text + ']';
    }
    return scalar_text(node).value_or("");
}

}  // namespace

table_reader::table_reader(const toml::table& table, std::string file, std::string path, std::string pattern,
                           std::vector<problem>& problems)
    : m_table(&table),
      m_file(std::move(file)),
      m_path(std::move(path)),
      m_pattern(std::move(pattern)),
      m_problems(&problems) {}

std::string table_reader::full(std::string_view key) const {
    if (m_path.empty() || key.empty())
        return m_path + std::string(key);
    return m_path + '.' + std::string(key);
}

origin table_reader::where(std::string_view key) const {
    for (const auto& [name, node] : *m_table)
        if (name.str() == key)
            return {m_file, name.source().begin.line};
    return {m_file, m_path.empty() ? 0 : m_table->source().begin.line};
}

void table_reader::refuse(std::string_view key, std::string text) {
    m_problems->push_back({where(key.substr(0, key.find('.'))), full(key), std::move(text)});
}

const toml::node* table_reader::ask(std::string_view key) {
    sc_assert(is_declared(m_pattern.empty() ? std::string(key) : m_pattern + '.' + std::string(key)));
    if (std::ranges::count(m_asked, key) == 0)
        m_asked.emplace_back(key);
    return m_table->get(key);
}

std::optional<std::string> table_reader::text(std::string_view key) {
    const auto* node = ask(key);
    if (node == nullptr)
        return std::nullopt;
    auto text = node->value_exact<std::string>();
    if (!text)
        refuse(key, "expected a string");
    return text;
}

std::optional<std::uint64_t> table_reader::unsigned_of(const toml::node& node) const {
    const auto number = node.value_exact<std::int64_t>();
    return number && *number >= 0 ? std::optional(static_cast<std::uint64_t>(*number)) : std::nullopt;
}

std::optional<std::uint64_t> table_reader::number(std::string_view key, std::uint64_t min,
                                                  std::uint64_t max) {
    const auto* node = ask(key);
    if (node == nullptr)
        return std::nullopt;
    auto number = unsigned_of(*node);
    if (!number || *number < min || *number > max) {
        refuse(key, fmt::format("expected a whole number from {} to {}", min, max));
        return std::nullopt;
    }
    return number;
}

std::optional<double> table_reader::ratio(std::string_view key, double min, double max) {
    const auto* node = ask(key);
    if (node == nullptr)
        return std::nullopt;
    std::optional<double> value = node->value_exact<double>();
    if (const auto whole = node->value_exact<std::int64_t>())
        value = static_cast<double>(*whole);
    if (!value || !(*value > min && *value <= max)) {
        refuse(key, fmt::format("expected a number above {} and at most {}", min, max));
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint64_t> table_reader::duration(std::string_view key) {
    const auto written = text(key);
    if (!written)
        return std::nullopt;
    const auto time = parse_time(*written);
    if (!time)
        refuse(key, fmt::format("expected a time such as \"5 ms\", got \"{}\"", *written));
    return time;
}

std::optional<std::uint64_t> table_reader::size(std::string_view key) {
    const auto written = text(key);
    if (!written)
        return std::nullopt;
    const auto size = parse_size(*written);
    if (!size)
        refuse(key, fmt::format("expected a size such as \"2 GiB\", got \"{}\"", *written));
    return size;
}

std::optional<std::vector<std::string>> table_reader::words(std::string_view key) {
    const auto* node = ask(key);
    if (node == nullptr)
        return std::nullopt;
    if (const auto one = node->value_exact<std::string>())
        return std::vector{*one};
    std::vector<std::string> words;
    if (const auto* list = node->as_array())
        for (const auto& each : *list)
            if (const auto word = each.value_exact<std::string>())
                words.push_back(*word);
    if (words.empty() || words.size() != node->as_array()->size()) {
        refuse(key, "expected a string or a list of strings");
        return std::nullopt;
    }
    return words;
}

std::optional<std::vector<std::uint64_t>> table_reader::seeds(std::string_view key) {
    constexpr std::uint64_t most = 1'000'000;
    const auto* node = ask(key);
    if (node == nullptr)
        return std::nullopt;
    std::vector<std::uint64_t> seeds;
    if (const auto count = unsigned_of(*node); count && *count >= 1 && *count <= most) {
        for (std::uint64_t seed = 1; seed <= *count; ++seed)
            seeds.push_back(seed);
        return seeds;
    }
    if (const auto* list = node->as_array())
        for (const auto& each : *list)
            if (const auto seed = unsigned_of(each); seed && std::ranges::count(seeds, *seed) == 0)
                seeds.push_back(*seed);
    if (seeds.empty() || seeds.size() != node->as_array()->size()) {
        refuse(key,
               fmt::format("expected a number of seeds from 1 to {}, or a list of different seeds", most));
        return std::nullopt;
    }
    return seeds;
}

std::optional<dimension> table_reader::range(std::string_view key, const toml::table& from) {
    constexpr std::string_view expected = "expected { from = ..., to = ..., step = ... }, numbers or times";
    for (const auto& [name, node] : from)
        if (name.str() != "from" && name.str() != "to" && name.str() != "step") {
            refuse(key, fmt::format("unknown key '{}'; {}", name.str(), expected));
            return std::nullopt;
        }
    std::optional<std::uint64_t> numbers[3];
    const char* const names[] = {"from", "to", "step"};
    bool times = false, plain = false;
    for (std::size_t i = 0; i < 3; ++i) {
        const auto* node = from.get(names[i]);
        if (node == nullptr)
            continue;
        numbers[i] = unsigned_of(*node);
        plain = plain || numbers[i];
        if (const auto written = node->value_exact<std::string>()) {
            numbers[i] = parse_time(*written);
            times = true;
        }
    }
    if (!numbers[2] && !from.contains("step") && plain)
        numbers[2] = 1;
    if (!numbers[0] || !numbers[1] || !numbers[2] || times == plain) {
        refuse(key, std::string(expected) + (times && !plain ? "; a range of times needs a step" : ""));
        return std::nullopt;
    }
    if (*numbers[0] > *numbers[1] || *numbers[2] == 0) {
        refuse(key, "nothing lies in this range");
        return std::nullopt;
    }
    return dimension(times ? dimension::form::time : dimension::form::number, *numbers[0], *numbers[1],
                     *numbers[2]);
}

dimension table_reader::values(std::string_view key) {
    const auto* node = ask(key);
    if (node == nullptr)
        return {};
    if (const auto* table = node->as_table())
        return range(key, *table).value_or(dimension());
    if (const auto one = scalar_text(*node))
        return dimension(std::vector{*one});
    std::vector<std::string> all;
    if (const auto* list = node->as_array())
        for (const auto& each : *list)
            if (const auto text = scalar_text(each); text && std::ranges::count(all, *text) == 0)
                all.push_back(*text);
    if (all.empty() || all.size() != node->as_array()->size()) {
        refuse(key, "expected a value, a list of different values, or a range { from, to, step }");
        return {};
    }
    return dimension(std::move(all));
}

dimension table_reader::times(std::string_view key) {
    auto all = values(key);
    for (const auto i : all.telling_positions())
        if (!parse_time(all.at(i))) {
            refuse(key, fmt::format("expected a time such as \"5 ms\", got \"{}\"", all.at(i)));
            return {};
        }
    return all;
}

dimension table_reader::counts(std::string_view key) {
    auto all = values(key);
    for (const auto i : all.telling_positions())
        if (const auto number = parse_number(all.at(i)); !number || *number == 0) {
            refuse(key, fmt::format("expected a number from 1, got \"{}\"", all.at(i)));
            return {};
        }
    return all;
}

std::optional<std::string> table_reader::setting(std::string_view key) {
    const auto* node = ask(key);
    if (node == nullptr)
        return std::nullopt;
    if (node->is_table() || setting_text(*node).empty()) {
        refuse(key, "expected a value; a setting of a scenario is written as \"section.key\" = value");
        return std::nullopt;
    }
    return setting_text(*node);
}

std::optional<table_reader> table_reader::below(std::string_view key) {
    const auto* node = ask(key);
    if (node == nullptr)
        return std::nullopt;
    if (const auto* table = node->as_table()) {
        const std::string pattern = m_pattern.empty() ? std::string(key) : m_pattern + '.' + std::string(key);
        return table_reader(*table, m_file, full(key), pattern, *m_problems);
    }
    refuse(key, fmt::format("expected a table: [{}]", full(key)));
    return std::nullopt;
}

std::vector<std::pair<std::string, table_reader>> table_reader::named(std::string_view key) {
    std::vector<std::pair<std::string, table_reader>> all;
    const auto section = below(key);
    if (!section)
        return all;
    for (const auto& [name, node] : *section->m_table) {
        const std::string path = full(key) + '.' + std::string(name.str());
        if (const auto* table = node.as_table())
            all.emplace_back(name.str(),
                             table_reader(*table, m_file, path, std::string(key) + ".<name>", *m_problems));
        else
            m_problems->push_back(
                {{m_file, name.source().begin.line}, path, "expected a table: [" + path + ']'});
    }
    std::ranges::stable_sort(all, {}, [](const auto& each) {
        return std::pair(each.second.m_table->source().begin.line,
                         each.second.m_table->source().begin.column);
    });
    return all;
}

std::vector<table_reader> table_reader::list(std::string_view key) {
    std::vector<table_reader> all;
    const auto* node = ask(key);
    if (node == nullptr)
        return all;
    const auto* list = node->as_array();
    if (list == nullptr || list->empty() || !list->is_homogeneous(toml::node_type::table)) {
        refuse(key, fmt::format("expected tables: [[{}]]", full(key)));
        return all;
    }
    for (std::size_t i = 0; i < list->size(); ++i)
        all.emplace_back(*(*list)[i].as_table(), m_file, fmt::format("{}.{}", full(key), i),
                         m_pattern + '.' + std::string(key), *m_problems);
    return all;
}

std::vector<std::string> table_reader::keys() const {
    std::vector<std::string> all;
    for (const auto& [name, node] : *m_table)
        all.emplace_back(name.str());
    return all;
}

void table_reader::finish() {
    for (const auto& [name, node] : *m_table) {
        const std::string key(name.str());
        if (std::ranges::count(m_asked, key) == 0)
            m_problems->push_back(
                {{m_file, name.source().begin.line}, full(key), "unknown key" + suggestion(key, m_asked)});
    }
}

}  // namespace vtwin::scenario
