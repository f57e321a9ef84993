#include "scenarios/schema/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
        } else {
            out += c;
        }
    }
    return out + '"';
}

/// A path that means itself when it is read as a pattern.
std::string escaped_pattern(const std::string& path) {
    std::string out;
    for (char c : path) {
        if (c == '*' || c == '?' || c == '[' || c == '\\')
            out += '\\';
        out += c;
    }
    return out;
}

template <typename Items, typename Print>
std::string bracketed(const Items& items, Print print) {
    std::string out = "[";
    for (const auto& item : items)
        out += (out.size() > 1 ? ", " : "") + print(item);
    return out + "]";
}

}  // namespace

std::string print_value(const key_declaration& key, const value& what) {
    if (const bool* flag = std::get_if<bool>(&what))
        return *flag ? "true" : "false";
    if (const std::uint64_t* number = std::get_if<std::uint64_t>(&what)) {
        if (key.type == value_type::time)
            return in_quotes(print_time(*number));
        if (key.type == value_type::size)
            return in_quotes(print_size(*number));
        if (key.type == value_type::probability)
            return print_probability(*number);
        return std::to_string(*number);
    }
    if (const std::string* text = std::get_if<std::string>(&what))
        return in_quotes(*text);
    if (const auto* words = std::get_if<std::vector<std::string>>(&what))
        return bracketed(*words, [&](const std::string& word) {
            return in_quotes(key.type == value_type::file_list ? escaped_pattern(word) : word);
        });
    return bracketed(std::get<std::vector<std::uint64_t>>(what),
                     [](std::uint64_t n) { return std::to_string(n); });
}

void settings::set(const std::string& path, value content, origin where) {
    for (std::size_t dot = path.rfind('.'); dot != std::string::npos && dot != 0;
         dot = path.rfind('.', dot - 1))
        m_sections.try_emplace(path.substr(0, dot), where);
    m_entries.insert_or_assign(path, entry{std::move(content), std::move(where)});
}

void settings::remove_section(const std::string& path) {
    const auto below = [&](const auto& entry) { return entry.first.starts_with(path + '.'); };
    std::erase_if(m_entries, below);
    std::erase_if(m_sections, below);
    m_sections.erase(path);
}

void settings::add_section(const std::string& path, origin where) {
    m_sections.insert_or_assign(path, std::move(where));
}

const value& settings::read(std::string_view path) const {
    auto found = m_entries.find(path);
    sc_assert(found != m_entries.end());
    m_read.emplace(path);
    return found->second.content;
}

bool settings::boolean(std::string_view path) const {
    return std::get<bool>(read(path));
}
std::uint64_t settings::integer(std::string_view path) const {
    return std::get<std::uint64_t>(read(path));
}
const std::string& settings::text(std::string_view path) const {
    return std::get<std::string>(read(path));
}
const std::vector<std::string>& settings::words(std::string_view path) const {
    return std::get<std::vector<std::string>>(read(path));
}
const std::vector<std::uint64_t>& settings::numbers(std::string_view path) const {
    return std::get<std::vector<std::uint64_t>>(read(path));
}
sc_core::sc_time settings::duration(std::string_view path) const {
    sc_assert(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_PS));
    return sc_core::sc_time::from_value(std::get<std::uint64_t>(read(path)));
}

origin settings::where(std::string_view path) const {
    if (auto found = m_entries.find(path); found != m_entries.end() && !found->second.where.file.empty())
        return found->second.where;
    for (;;) {
        if (auto found = m_sections.find(path); found != m_sections.end() && !found->second.file.empty())
            return found->second;
        std::size_t dot = path.rfind('.');
        if (dot == std::string_view::npos)
            break;
        path = path.substr(0, dot);
    }
    auto file = m_sections.find("");
    return file == m_sections.end() ? origin{} : file->second;
}

std::vector<std::string> settings::names_below(std::string_view section) const {
    std::vector<std::string> names;
    std::string prefix = std::string(section) + '.';
    for (const auto& [path, where] : m_sections) {
        if (path.starts_with(prefix) && path.find('.', prefix.size()) == std::string::npos)
            names.push_back(path.substr(prefix.size()));
    }
    return names;
}

std::vector<std::string> settings::unread() const {
    std::vector<std::string> paths;
    for (const auto& [path, content] : m_entries) {
        if (!m_read.contains(path))
            paths.push_back(path);
    }
    return paths;
}

bool settings::same_values(const settings& other) const {
    return std::equal(m_entries.begin(), m_entries.end(), other.m_entries.begin(), other.m_entries.end(),
                      [](const auto& a, const auto& b) {
                          return a.first == b.first && a.second.content == b.second.content;
                      });
}

}  // namespace vtwin::scenario
