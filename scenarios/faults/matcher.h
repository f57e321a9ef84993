// Conditions of a trigger, made ready to be tested against crossings.
#pragma once

#include <string>
#include <vector>

#include "scenarios/faults/crossing.h"
#include "scenarios/faults/fault.h"

namespace vtwin::scenario {

/// One condition: any of its alternatives.
class matcher {
  public:
    /// A field or pattern that does not parse matches nothing; check with `problem_of` first.
    explicit matcher(const condition& what);

    /// `stage` stands for the field of that name, which crossings do not carry themselves.
    bool matches(const crossing& what, std::string_view stage) const;

    /// Why a pattern cannot be one: an empty alternative, a range that is upside down. "" when it can.
    static std::string problem_of(const condition& what);

  private:
    struct alternative {
        std::string glob;
        bool numeric = false;
        std::uint64_t from = 0, to = 0;
    };
    field m_field = field::count_;
    std::vector<alternative> m_alternatives;
};

/// nullopt when the text is no unsigned number, decimal or 0x.
std::optional<std::uint64_t> parse_number(std::string_view text);
/// nullopt when no field has this name.
std::optional<field> parse_field(std::string_view name);

}  // namespace vtwin::scenario
