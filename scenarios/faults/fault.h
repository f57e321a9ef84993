// A fault as data: what it is done to, what is done, when, for how long.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <systemc>
#include <vector>

namespace vtwin::scenario {

/// One thing that must hold of a crossing: the text of its field matches. `pattern` is a word with * and ?, a
/// number (decimal or 0x), a range of numbers "3..7", or several of these with | between them.
struct condition {
    std::string field;
    std::string pattern;
    auto operator<=>(const condition&) const = default;
};

/// When a fault acts. Crossings that are not before `at` and meet all conditions are counted from 1, over all
/// wires that `on` names. From the `nth` of them on each passes the draw or not; the fault begins with the
/// first that does and acts on `count` that do, or on all until `duration` has passed since it began. Without
/// any wire it begins at `at`.
struct trigger {
    std::string on{};              ///< wires, with * and ?; "" with a wire kind: the target itself
    std::vector<condition> where;  ///< sorted by field
    std::uint64_t nth = 1;
    std::optional<sc_core::sc_time> at{};   ///< simulated time before which nothing happens
    std::uint32_t per_million = 1'000'000;  ///< probability of each counted crossing from the nth on
    std::uint64_t count = 1;                ///< 0: for ever
    std::optional<sc_core::sc_time> duration{};
};

struct fault {
    std::string name;    ///< of the table in the file
    std::string kind;    ///< of the catalogue, "wire class.what"
    std::string target;  ///< wires or domains, with * and ?
    trigger when;
    std::map<std::string, std::string> parameters;  ///< as written; defaults filled in by check_fault
};

/// Glob of * and ?; case counts.
bool glob_matches(std::string_view pattern, std::string_view text);

}  // namespace vtwin::scenario
