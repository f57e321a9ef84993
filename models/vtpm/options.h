// Command line of vtpm-stubdom.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vtwin::models {

/// One `locality=LABEL=L1,L2` rule: clients with that label may claim these localities.
struct locality_rule {
    std::string label;         ///< exact text, or `*suffix`
    std::bitset<256> allowed;  ///< bit L: locality L
};

/// What stubdom/vtpm/vtpm.c reads from its command line (blank-separated words).
struct vtpm_options {
    enum class startup_mode : std::uint16_t { clear = 1, state = 2, deactivated = 3 };
    startup_mode startup = startup_mode::clear;
    bool maintenance_commands = false;  ///< maintcmds=1: the five maintenance ordinals are let through
    std::vector<locality_rule> rules;   ///< at most 16, in command-line order
    std::vector<std::string> unknown;   ///< words that are logged and ignored
};

/// Parses the words; nullopt with `error` set when the domain would exit (more than 16 rules, a rule without
/// `=`, a locality above 255).
std::optional<vtpm_options> parse_vtpm_options(std::string_view command_line, std::string& error);

/// Result of looking a client label up in the rules.
struct locality_match {
    enum class kind : std::uint8_t { rule, no_rule, null_dereference };
    kind outcome = kind::no_rule;
    std::bitset<256> allowed;
};

/// First rule in order that fits. A `*suffix` rule fits when the FIRST occurrence of the suffix is at the end
/// of the label; when it does not occur at all upstream compares against a null pointer: reported as
/// null_dereference unless `wildcard_checked`.
locality_match match_locality(const std::vector<locality_rule>& rules, std::string_view label,
                              bool wildcard_checked);

}  // namespace vtwin::models
