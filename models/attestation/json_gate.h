// Looks through JSON from strangers before anything is made of it, and stops at the first thing that no
// message has: a name given twice, too many members, too deep.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace vtwin::models {

/// For nlohmann::json::sax_parse, which is false when the text is refused. What a text costs is in proportion
/// to what was read of it: an object's members are counted before a container that looks through them sees
/// them.
class json_gate final : public nlohmann::json_sax<nlohmann::json> {
  public:
    static constexpr std::size_t most_members = 32, most_levels = 8;
    /// Values, names and brackets that were seen.
    std::size_t events() const { return m_events; }

    bool null() override { return seen(); }
    bool boolean(bool) override { return seen(); }
    bool number_integer(number_integer_t) override { return seen(); }
    bool number_unsigned(number_unsigned_t) override { return seen(); }
    bool number_float(number_float_t, const string_t&) override { return seen(); }
    bool string(string_t&) override { return seen(); }
    bool binary(binary_t&) override { return seen(); }
    bool start_object(std::size_t) override { return open(); }
    bool key(string_t& name) override {
        auto& names = m_open.back();
        return seen() && names.insert(name).second && names.size() <= most_members;
    }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

  private:
    bool seen() {
        ++m_events;
        return true;
    }
    bool open() {
        m_open.emplace_back();
        return seen() && m_open.size() <= most_levels;
    }
    bool close() {
        m_open.pop_back();
        return seen();
    }

    std::size_t m_events = 0;
    std::vector<std::set<std::string>> m_open;  ///< the names so far in each open object
};

}  // namespace vtwin::models
