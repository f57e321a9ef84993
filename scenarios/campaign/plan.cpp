#include "scenarios/campaign/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "models/chance.h"
#include "scenarios/campaign/crossing_counts.h"
#include "scenarios/campaign/drawing.h"
#include "scenarios/campaign/space.h"

namespace vtwin::scenario {
namespace {

std::vector<std::uint64_t> all_seeds(const campaign& what) {
    auto seeds = what.seeds;
    const std::set<std::uint64_t> known(seeds.begin(), seeds.end());
    for (std::uint64_t seed = 1; seed <= what.null_runs; ++seed)
        if (!known.contains(seed))
            seeds.push_back(seed);
    return seeds;
}

}  // namespace

struct planner::parts {
    const campaign& what;
    fault_check check;
    std::vector<wire_name> wires;
    std::vector<std::uint64_t> seeds;  ///< those of faults first
    campaign_plan plan;
    std::vector<stratum_space> spaces;
    std::vector<std::vector<pattern_space>> noise;  ///< [seed][noise]

    parts(const campaign& campaign, const fault_check& checker, execution_if* engine)
        : what(campaign),
          check(checker),
          wires(wires_of(campaign.scenarios.front().config)),
          seeds(all_seeds(campaign)) {
        for (const auto seed : seeds)
            for (const auto& variant : what.variants)
                plan.worlds.push_back({variant.name, variant.overrides, seed});
        make_spaces(engine);
        plan.runs = what.null_runs * what.variants.size();
        for (std::size_t i = 0; i < spaces.size(); ++i)
            add_stratum(what.strata[i], spaces[i].size());
        for (std::size_t i = 0; i < spaces.size(); ++i)
            if (!what.strata[i].weight)
                plan.strata[i].weight = static_cast<double>(spaces[i].size());
    }

    void make_spaces(execution_if* engine);
    void add_stratum(const campaign_stratum& stratum, std::uint64_t population);
    std::vector<fault> faults_of(std::size_t stratum, const stratum_space::point& point,
                                 std::uint64_t index) const;
    std::size_t world_of(std::size_t seed, std::size_t variant) const {
        return seed * what.variants.size() + variant;
    }
};

void planner::parts::make_spaces(execution_if* engine) {
    std::vector<const fault_pattern*> patterns;
    for (const auto& stratum : what.strata)
        for (const auto& each : stratum.faults)
            patterns.push_back(&each);
    for (const auto& each : what.noise)
        patterns.push_back(&each.what);
    std::vector<std::vector<std::vector<pattern_space>>> per_stratum(what.strata.size());
    for (std::size_t seed = 0; seed < what.seeds.size(); ++seed) {
        const auto first = plan.worlds.begin() + static_cast<std::ptrdiff_t>(world_of(seed, 0));
        const std::vector<world> worlds(first, first + static_cast<std::ptrdiff_t>(what.variants.size()));
        auto counts = count_crossings(patterns, worlds, wires, check, engine);
        std::size_t next = 0;
        for (std::size_t i = 0; i < what.strata.size(); ++i) {
            auto& spaces = per_stratum[i].emplace_back();
            for (const auto& each : what.strata[i].faults)
                spaces.emplace_back(each, std::move(counts[next++]));
        }
        auto& spaces = noise.emplace_back();
        for (const auto& each : what.noise)
            spaces.emplace_back(each.what, std::move(counts[next++]));
    }
    for (auto& each : per_stratum)
        spaces.emplace_back(std::move(each));
}

void planner::parts::add_stratum(const campaign_stratum& stratum, std::uint64_t population) {
    stratum_plan made;
    made.name = stratum.name;
    made.population = population;
    made.drawn = stratum.sample.size(population);
    made.weight = stratum.weight.value_or(0);
    made.sampling = stratum.sample.text();
    if (made.drawn > (most_runs - std::min(plan.runs, most_runs)) / what.variants.size())
        throw user_error(
            stratum.where_written, "strata." + stratum.name,
            fmt::format("{} runs, more than {} in all; sample = {{ n = ... }} draws some of them", made.drawn,
                        most_runs));
    plan.runs += made.drawn * what.variants.size();
    plan.strata.push_back(std::move(made));
}

/// The faults of a point, complete, with the noise that falls on it. The draw depends on the point alone, so
/// that all variants get the same.
std::vector<fault> planner::parts::faults_of(std::size_t stratum, const stratum_space::point& point,
                                             std::uint64_t index) const {
    std::vector<fault> faults;
    for (std::size_t i = 0; i < point.faults.size(); ++i)
        faults.push_back(completed(what.strata[stratum].faults[i], point.faults[i], wires, check));
    for (std::size_t i = 0; i < what.noise.size(); ++i) {
        const auto& space = noise[point.seed][i];
        models::chance_stream chance(what.seed, fmt::format("campaign.{}.{}.{}", what.noise[i].what.name,
                                                            what.strata[stratum].name, index));
        if (space.size() != 0 && chance.below(1'000'000) < what.noise[i].per_million)
            faults.push_back(
                completed(what.noise[i].what, space.at(chance.below(space.size())), wires, check));
    }
    return faults;
}

planner::planner(const campaign& what, execution_if* engine, const fault_check& check)
    : m_parts(std::make_unique<parts>(what, check, engine)) {}
planner::~planner() = default;

const campaign_plan& planner::plan() const {
    return m_parts->plan;
}

void planner::for_each_run(const std::function<void(const planned_run&)>& sink) const {
    const auto& parts = *m_parts;
    const auto variants = parts.what.variants.size();
    planned_run run;
    for (std::uint64_t i = 0; i < parts.what.null_runs; ++i) {
        const auto seed = std::ranges::find(parts.seeds, i + 1) - parts.seeds.begin();
        for (std::size_t variant = 0; variant < variants; ++variant) {
            run = {run.id + 1, parts.world_of(static_cast<std::size_t>(seed), variant), null_stratum, {}};
            sink(run);
        }
    }
    for (std::size_t i = 0; i < parts.spaces.size(); ++i) {
        const auto& stratum = parts.plan.strata[i];
        for (const auto index :
             draw(stratum.population, stratum.drawn, parts.what.seed, "campaign." + stratum.name)) {
            const auto point = parts.spaces[i].at(index);
            const auto faults = parts.faults_of(i, point, index);
            for (std::size_t variant = 0; variant < variants; ++variant) {
                run = {run.id + 1, parts.world_of(point.seed, variant), stratum.name, faults};
                sink(run);
            }
        }
    }
}

}  // namespace vtwin::scenario
