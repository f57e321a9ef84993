#include "scenarios/profiles/profile_file.h"

#include <algorithm>

#include "scenarios/profiles/profile_reader.h"
#include "scenarios/schema/reader.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {

profile_file::profile_file(const std::filesystem::path& library, const std::string& category,
                           const std::string& name, const origin& asked, const std::string& key) {
    std::vector<std::string> known = profile_names(library, category);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        std::string listed;
        for (const std::string& each : known)
            listed += (listed.empty() ? "" : ", ") + each;
        throw user_error(asked, key,
                         "no profile \"" + name + "\" in profiles/" + category + " (there: " + listed + ")" +
                             suggestion(name, known));
    }
    m_shown_name = "profiles/" + category + '/' + name + ".toml";
    std::string content = read_text_file(library / m_shown_name, m_shown_name);
    try {
        m_table = toml::parse(content, m_shown_name);
    } catch (const toml::parse_error& error) {
        throw user_error({m_shown_name, error.source().begin.line}, "",
                         "not valid TOML: " + std::string(error.description()));
    }
}

origin profile_file::where(const std::string& key) const {
    const toml::node* node = m_table.get(key);
    return {m_shown_name, node ? node->source().begin.line : 0};
}

std::string profile_file::source(const std::string& key) const {
    return m_table[key]["source"].value_or("");
}

void profile_file::complain(const origin& where, const std::string& key, const std::string& text) {
    m_problems.push_back({where, key, text});
}

void profile_file::wrong(const std::string& key, const std::string& expectation) {
    complain(where(key), key, "expected { value = " + expectation + ", source = \"...\" }");
}

const toml::node* profile_file::value_of(const std::string& key, const std::string& expectation) {
    m_taken.insert(key);
    const toml::node* node = m_table.get(key);
    if (!node) {
        complain({m_shown_name, 0}, key,
                 "missing; expected { value = " + expectation + ", source = \"...\" }");
        return nullptr;
    }
    const toml::table* table = node->as_table();
    if (!table || !table->contains("value")) {
        wrong(key, expectation);
        return nullptr;
    }
    for (const auto& [part, unused] : *table) {
        if (part.str() != "value" && part.str() != "source")
            complain(where(key), key + '.' + std::string(part.str()),
                     "unknown key; expected value and source");
    }
    auto source = (*table)["source"].value_exact<std::string>();
    if (!source || source->empty())
        complain(where(key), key, "says no source; every figure has one");
    return table->get("value");
}

std::uint64_t profile_file::duration(const std::string& key) {
    const std::string expectation = "\"5 ms\"";
    const toml::node* node = value_of(key, expectation);
    if (!node)
        return 0;
    auto text = node->value_exact<std::string>();
    auto picoseconds = text ? parse_time(*text) : std::nullopt;
    if (!picoseconds)
        wrong(key, expectation);
    return picoseconds.value_or(0);
}

std::uint64_t profile_file::integer(const std::string& key, std::uint64_t max) {
    const std::string expectation = "a whole number up to " + std::to_string(max);
    const toml::node* node = value_of(key, expectation);
    if (!node)
        return 0;
    auto number = node->value_exact<std::int64_t>();
    if (!number || *number < 0 || static_cast<std::uint64_t>(*number) > max) {
        wrong(key, expectation);
        return 0;
    }
    return static_cast<std::uint64_t>(*number);
}

double profile_file::number(const std::string& key) {
    const std::string expectation = "a number";
    const toml::node* node = value_of(key, expectation);
    if (!node)
        return 0;
    auto number = node->value<double>();
    if (!number || *number < 0)
        wrong(key, expectation);
    return number.value_or(0);
}

bool profile_file::boolean(const std::string& key) {
    const std::string expectation = "true or false";
    const toml::node* node = value_of(key, expectation);
    if (!node)
        return false;
    auto flag = node->value_exact<bool>();
    if (!flag)
        wrong(key, expectation);
    return flag.value_or(false);
}

std::string profile_file::text(const std::string& key) {
    const std::string expectation = "a string";
    const toml::node* node = value_of(key, expectation);
    if (!node)
        return "";
    auto text = node->value_exact<std::string>();
    if (!text)
        wrong(key, expectation);
    return text.value_or("");
}

std::size_t profile_file::choice(const std::string& key, const std::vector<std::string>& choices) {
    std::string expectation;
    for (const std::string& each : choices)
        expectation += (expectation.empty() ? "\"" : " or \"") + each + '"';
    const toml::node* node = value_of(key, expectation);
    if (!node)
        return 0;
    auto found = std::find(choices.begin(), choices.end(), node->value_or(std::string()));
    if (found == choices.end()) {
        wrong(key, expectation);
        return 0;
    }
    return static_cast<std::size_t>(found - choices.begin());
}

std::string profile_file::plain_text(const std::string& key, bool required) {
    m_taken.insert(key);
    const toml::node* node = m_table.get(key);
    if (!node) {
        if (required)
            complain({m_shown_name, 0}, key, "missing; expected a string");
        return "";
    }
    // The sentence may itself be given with its source.
    if (const toml::table* table = node->as_table())
        node = table->get("value");
    auto text = node ? node->value_exact<std::string>() : std::nullopt;
    if (!text)
        complain(where(key), key, "expected a string");
    return text.value_or("");
}

const toml::array* profile_file::tables(const std::string& key) {
    m_taken.insert(key);
    const toml::node* node = m_table.get(key);
    if (!node)
        return nullptr;
    if (!node->is_array_of_tables()) {
        complain(where(key), key, "expected tables: [[" + key + "]]");
        return nullptr;
    }
    return node->as_array();
}

void profile_file::finish() {
    std::vector<std::string> known(m_taken.begin(), m_taken.end());
    for (const auto& [key, node] : m_table) {
        std::string name(key.str());
        if (!m_taken.contains(name))
            complain({m_shown_name, key.source().begin.line}, name, "unknown key" + suggestion(name, known));
    }
    if (!m_problems.empty())
        throw user_error(std::move(m_problems));
}

}  // namespace vtwin::scenario
