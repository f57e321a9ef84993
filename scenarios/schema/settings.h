// What a scenario says, key by key: validated values with their place of origin. First only what was written,
// after `complete` (scenarios/scenario.h) every key that has a value.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <systemc>
#include <variant>
#include <vector>

#include "scenarios/schema/key.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {

/// boolean; integer, size (bytes), time (ps); all kinds of text; lists of text; PCR numbers.
using value =
    std::variant<bool, std::uint64_t, std::string, std::vector<std::string>, std::vector<std::uint64_t>>;

/// The text of a value as `--set` and TOML accept it; quotes included where TOML needs them.
std::string print_value(const key_declaration& key, const value& what);

class settings {
  public:
    struct entry {
        value content;
        origin where;
    };

    /// `where` is empty for a default.
    void set(const std::string& path, value content, origin where);
    void add_section(const std::string& path, origin where);
    /// Takes back what was set below a section, and the section.
    void remove_section(const std::string& path);
    bool has(std::string_view path) const { return m_entries.contains(path); }
    bool has_section(std::string_view path) const { return m_sections.contains(path); }

    // Values by path; asking for one that is absent or of another kind is our own bug.
    bool boolean(std::string_view path) const;
    std::uint64_t integer(std::string_view path) const;
    const std::string& text(std::string_view path) const;
    const std::vector<std::string>& words(std::string_view path) const;
    const std::vector<std::uint64_t>& numbers(std::string_view path) const;
    sc_core::sc_time duration(std::string_view path) const;

    /// Where a key was written; the nearest enclosing section, or the whole file, when it was not.
    origin where(std::string_view path) const;
    /// Names directly below a section, in path order: names_below("guest") = {"guest1", "guest2"}.
    std::vector<std::string> names_below(std::string_view section) const;
    /// Paths that were set and never asked for by one of the functions above.
    std::vector<std::string> unread() const;
    const std::map<std::string, entry, path_less>& entries() const { return m_entries; }
    const std::map<std::string, origin, path_less>& sections() const { return m_sections; }

    /// Same keys with the same values; origins do not count.
    bool same_values(const settings& other) const;

  private:
    const value& read(std::string_view path) const;

    std::map<std::string, entry, path_less> m_entries;
    std::map<std::string, origin, path_less> m_sections;
    mutable std::set<std::string, std::less<>> m_read;
};

}  // namespace vtwin::scenario
