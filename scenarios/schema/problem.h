// The user's mistakes: where, in which key, what was expected. Collected while a scenario is read and
// reported together.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace vtwin::scenario {

/// Where a setting was written: a file and its line, or an option of the command line (line 0).
struct origin {
    std::string file;
    std::uint32_t line = 0;
    bool operator==(const origin&) const = default;
};

struct problem {
    origin where;
    std::string key;   ///< key path; "" when the file as a whole is meant
    std::string text;  ///< what was seen and what was expected
};

/// "file:line: key: text"; parts that are not known are left out.
std::string to_string(const problem& what);

/// Ends the reading of a scenario; `what()` is all problems, one per line. Becomes exit code 2.
class user_error : public std::runtime_error {
  public:
    explicit user_error(std::vector<problem> problems);
    user_error(origin where, std::string key, std::string text);
    const std::vector<problem>& problems() const { return m_problems; }

  private:
    std::vector<problem> m_problems;
};

/// The candidate closest to `name` by edit distance, "" when none is close enough to be meant.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);
/// "; did you mean 'x'?" or "".
std::string suggestion(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace vtwin::scenario
