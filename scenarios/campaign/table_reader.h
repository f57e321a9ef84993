// One table of a TOML file, key by key: every mistake is kept with its line, and a key that nobody asked for
// is one.
#pragma once

#include <toml++/toml.h>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

#include "scenarios/campaign/dimension.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {

class table_reader {
  public:
    /// `path` is what messages call the table, "" for the whole file; `pattern` the same as it is declared
    /// (campaign_keys), where names are wildcards. Both without the last dot.
    table_reader(const toml::table& table, std::string file, std::string path, std::string pattern,
                 std::vector<problem>& problems);

    bool has(std::string_view key) const { return m_table->contains(key); }
    /// Where a key stands; where the table begins when it is not there.
    origin where(std::string_view key = "") const;
    void refuse(std::string_view key, std::string text);

    // nullopt when the key is not there, or wrong: then a problem was added.
    std::optional<std::string> text(std::string_view key);
    std::optional<std::uint64_t> number(std::string_view key, std::uint64_t min, std::uint64_t max);
    /// min < value <= max
    std::optional<double> ratio(std::string_view key, double min, double max);
    std::optional<std::uint64_t> duration(std::string_view key);  ///< picoseconds
    std::optional<std::uint64_t> size(std::string_view key);      ///< bytes
    std::optional<std::vector<std::string>> words(std::string_view key);
    /// A number n (1 to n) or a list of numbers.
    std::optional<std::vector<std::uint64_t>> seeds(std::string_view key);
    /// A value, a list or a range; words, numbers and times as text.
    dimension values(std::string_view key);
    /// Times only, resp. numbers from 1 only.
    dimension times(std::string_view key);
    dimension counts(std::string_view key);
    /// The value as `--set` would have it, for keys of another file.
    std::optional<std::string> setting(std::string_view key);

    /// A table below; nullopt when it is not there.
    std::optional<table_reader> below(std::string_view key);
    /// The tables below that have names, in the order in which they were written.
    std::vector<std::pair<std::string, table_reader>> named(std::string_view key);
    /// The tables of a list.
    std::vector<table_reader> list(std::string_view key);
    /// Keys of this table that are not tables of their own names, as written; asking for them is left to the
    /// caller.
    std::vector<std::string> keys() const;

    const std::string& path() const { return m_path; }
    const std::string& file() const { return m_file; }
    std::vector<problem>& problems() { return *m_problems; }
    /// Every key that was not asked for is unknown.
    void finish();

  private:
    const toml::node* ask(std::string_view key);
    std::string full(std::string_view key) const;
    std::optional<std::uint64_t> unsigned_of(const toml::node& node) const;
    std::optional<dimension> range(std::string_view key, const toml::table& from);

    const toml::table* m_table;
    std::string m_file, m_path, m_pattern;
    std::vector<problem>* m_problems;
    std::vector<std::string> m_asked;
};

}  // namespace vtwin::scenario
