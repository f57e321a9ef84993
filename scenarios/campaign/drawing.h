// Points drawn from a space without putting any back.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace vtwin::scenario {

/// `count` different numbers below `population`, each set equally likely (Floyd's method: memory for `count`
/// only), ascending. The same seed and name give the same numbers. All of them when count >= population.
std::vector<std::uint64_t> draw(std::uint64_t population, std::uint64_t count, std::uint64_t seed,
                                std::string_view name);

}  // namespace vtwin::scenario
