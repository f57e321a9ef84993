// Quantities as scenario files write them: a number, a blank, a unit. Exact, integers only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vtwin::scenario {

/// Of ASCII, whatever the locale.
inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// "5 ms", "1.5 us", "2 min": picoseconds. Units ps, ns, us, ms, s, min, h. nullopt when malformed, not a
/// whole number of picoseconds, or above 200 days.
std::optional<std::uint64_t> parse_time(std::string_view text);
/// The largest of ps, ns, us, ms, s that gives a whole number: "1500 ns".
std::string print_time(std::uint64_t picoseconds);

/// "2 MiB", "512 B": bytes. Units B, KiB, MiB, GiB. nullopt when malformed or above 2^53.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// The largest unit that gives a whole number.
std::string print_size(std::uint64_t bytes);

/// "0.25", "1": parts per million. nullopt when malformed, 0, above 1 or finer than that.
std::optional<std::uint64_t> parse_probability(std::string_view text);
/// Without trailing zeros: "0.25", "1".
std::string print_probability(std::uint64_t per_million);

}  // namespace vtwin::scenario
