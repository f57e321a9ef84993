// Parts of a big piece of work that is spread over machines.
#pragma once

#include <cstdint>
#include <string>

namespace vtwin::scenario {

/// Runs, or points, whose number is `index` modulo `count`.
struct shard {
    std::uint64_t index = 0, count = 1;
    bool operator==(const shard&) const = default;
    bool has(std::uint64_t number) const { return number % count == index; }
};

/// "3/8" as option --shard takes it; "" is the whole. Throws user_error.
shard parse_shard(const std::string& text);

}  // namespace vtwin::scenario
