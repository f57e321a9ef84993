#include "scenarios/campaign/drawing.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

#include "models/chance.h"

namespace vtwin::scenario {

std::vector<std::uint64_t> draw(std::uint64_t population, std::uint64_t count, std::uint64_t seed,
                                std::string_view name) {
    std::vector<std::uint64_t> drawn;
    if (count >= population) {
        drawn.resize(population);
        std::iota(drawn.begin(), drawn.end(), 0);
        return drawn;
    }
    models::chance_stream chance(seed, name);
    std::unordered_set<std::uint64_t> taken;  // asked, never walked
    drawn.reserve(count);
    for (std::uint64_t last = population - count; last < population; ++last) {
        const auto candidate = chance.below(last + 1);
        drawn.push_back(taken.contains(candidate) ? last : candidate);
        taken.insert(drawn.back());
    }
    std::ranges::sort(drawn);
    return drawn;
}

}  // namespace vtwin::scenario
