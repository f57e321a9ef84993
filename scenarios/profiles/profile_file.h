// One open profile file: figures of the form  key = { value = ..., source = "..." }, each with its line.
#pragma once

#include <toml++/toml.h>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "scenarios/schema/problem.h"

namespace vtwin::scenario {

/// Collects problems while fields are taken out; `finish` reports them together with keys that nobody took.
class profile_file {
  public:
    /// Opens library/profiles/<category>/<name>.toml; throws user_error naming `asked` and `key` when there
    /// is none.
    profile_file(const std::filesystem::path& library, const std::string& category, const std::string& name,
                 const origin& asked, const std::string& key);

    // Each takes one field; a missing one or one of another kind is a problem, and the result is a zero
    // value.
    std::uint64_t duration(const std::string& key);
    std::uint64_t integer(const std::string& key, std::uint64_t max);
    double number(const std::string& key);
    bool boolean(const std::string& key);
    std::string text(const std::string& key);
    /// Index of the value among `choices`.
    std::size_t choice(const std::string& key, const std::vector<std::string>& choices);
    /// A plain text key of the file itself: name, description, source. Empty when absent and optional.
    std::string plain_text(const std::string& key, bool required);

    bool has(const std::string& key) const { return m_table.contains(key); }
    origin where(const std::string& key) const;
    std::string source(const std::string& key) const;
    /// The tables of an array such as [[duration]], as files of their own that share the problem list.
    const toml::array* tables(const std::string& key);
    void complain(const origin& where, const std::string& key, const std::string& text);
    const std::string& shown_name() const { return m_shown_name; }

    /// Throws user_error when there was any problem; unknown keys are problems.
    void finish();

  private:
    const toml::node* value_of(const std::string& key, const std::string& expectation);
    void wrong(const std::string& key, const std::string& expectation);

    std::string m_shown_name;
    toml::table m_table;
    std::set<std::string> m_taken;
    std::vector<problem> m_problems;
};

}  // namespace vtwin::scenario
