// A set of outcome classes: what a campaign allows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/oracles/outcome.h"

namespace vtwin::scenario {

class outcome_set {
  public:
    outcome_set() = default;
    outcome_set(std::initializer_list<outcome_class> some) {
        for (const auto each : some)
            add(each);
    }
    /// All but O8: whatever happens is worth knowing, as long as it was simulated.
    static outcome_set all_but_failures();

    void add(outcome_class which) { m_bits |= 1U << static_cast<unsigned>(which); }
    bool contains(outcome_class which) const { return (m_bits >> static_cast<unsigned>(which) & 1) != 0; }
    bool operator==(const outcome_set&) const = default;
    /// "O0 O1 O3"
    std::string text() const;
    /// Reads what `text` wrote.
    static outcome_set parse(std::string_view text);

  private:
    unsigned m_bits = 0;
};

/// "O3" or "detected, safe"; nullopt when it is neither.
std::optional<outcome_class> parse_outcome_class(std::string_view text);
/// Codes of all classes, for suggestions.
std::vector<std::string> outcome_codes();

}  // namespace vtwin::scenario
