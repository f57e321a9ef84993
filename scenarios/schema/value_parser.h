// Text or a TOML value to a validated value of a declared key.
#pragma once

#include <toml++/toml.h>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "scenarios/schema/key.h"
#include "scenarios/schema/settings.h"

namespace vtwin::scenario {

/// Why a value was refused: what was seen and what is expected.
struct refusal {
    std::string text;
};
using parsed_value = std::variant<value, refusal>;

/// Validates a TOML value. Relative paths start at `folder`; patterns of file lists are expanded, sorted.
parsed_value parse_value(const key_declaration& key, const toml::node& node,
                         const std::filesystem::path& folder);
/// Validates a text as the command line and the declared defaults give it: `5 ms`, `true`, `[1, 2]`.
parsed_value parse_value_text(const key_declaration& key, std::string_view text,
                              const std::filesystem::path& folder);

}  // namespace vtwin::scenario
