// The declaration of a scenario's keys. From it come parsing, validation, defaults, `vtwin list keys` and the
// resolved file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vtwin::scenario {

enum class value_type : std::uint8_t {
    boolean,
    integer,  ///< min..max
    string,
    size,         ///< "2 MiB", min..max in bytes
    time,         ///< "5 ms"
    hex,          ///< min..max digits, an even number
    uuid,         ///< 8-4-4-4-12
    path,         ///< relative to the file that names it, or to the current folder for --set
    file_list,    ///< paths with * ? [ ] patterns; expanded when read, sorted within a pattern
    choice,       ///< one of `choices`
    choice_list,  ///< several of `choices`
    word_list,    ///< list of strings
    pcr_list,     ///< list of PCR indices 0..23
    scalar,       ///< a string, whole number or boolean, kept as text
    probability,  ///< 0 < p <= 1 with up to six decimals, kept in parts per million
};

/// What happens when a key is not given.
enum class absence : std::uint8_t {
    error,     ///< it must be given
    meaning,   ///< it stays absent, which means something (said in `doc`)
    standard,  ///< `standard` is its value, written as for --set
    derived,   ///< its value follows from other keys; `standard` says in words how
};

struct key_declaration {
    /// Segments separated by dots: fixed words, `<name>` (letters, digits, - and _), `<n>` (position in an
    /// array of tables), `<behaviour>` (name of the registry, with its dot).
    std::string pattern;
    value_type type = value_type::string;
    absence when_absent = absence::error;
    std::string standard;
    std::string doc;
    std::uint64_t min = 0;
    std::uint64_t max = UINT64_MAX;
    std::vector<std::string> choices = {};
};

/// Every key of a scenario file, in the order of the documentation.
const std::vector<key_declaration>& all_keys();

/// What `type` accepts, in words: "a time such as \"5 ms\"".
std::string expected(const key_declaration& key);
std::string_view type_name(value_type type);

/// Splits a key path at its dots.
std::vector<std::string> split_path(std::string_view path);
/// The declaration that covers a path; nullptr when there is none.
const key_declaration* find_key(std::string_view path);
/// True when some key lies below this path, so that it may be a table.
bool is_section(std::string_view path);
/// True when the path is an array of tables.
bool is_array(std::string_view path);
/// Key paths with the wildcards filled in from `path`, for suggestions.
std::vector<std::string> candidate_paths(std::string_view path);

/// Order of key paths: as text, numbers by value ("guest2" before "guest10").
struct path_less {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
};

}  // namespace vtwin::scenario
