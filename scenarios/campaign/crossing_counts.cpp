#include "scenarios/campaign/crossing_counts.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/campaign/fault_json.h"
#include "scenarios/campaign/pattern.h"

namespace vtwin::scenario {
namespace {

constexpr std::uint64_t most_triggers = 100'000;

void add_triggers(std::vector<trigger>& triggers, const fault_pattern& pattern,
                  const std::vector<wire_name>& wires, const fault_check& check) {
    const auto count = trigger_count(pattern);
    if (!count || *count > most_triggers)
        throw user_error(
            pattern.where_written, pattern.name + ".nth",
            fmt::format("\"all\" with more than {} combinations of target, on, where and at: their "
                        "crossings cannot all be counted",
                        most_triggers));
    for (std::uint64_t i = 0; i < *count; ++i)
        triggers.push_back(completed(pattern, fault_at(pattern, i, 1, 0), wires, check).when);
}

void check_sound(const world& where, const execution_if::rehearsal& rehearsed) {
    const auto worst = rehearsed.result.worst;
    if (worst == outcome_class::masked || worst == outcome_class::not_activated)
        return;
    throw user_error({}, "",
                     fmt::format("the run without faults{}{} with seed {} is not sound: {} {}: {}",
                                 where.variant.empty() ? "" : " of variant ", where.variant, where.seed,
                                 code_of(worst), name_of(worst), rehearsed.result.summary));
}

}  // namespace

fault completed(const fault_pattern& pattern, const fault& point, const std::vector<wire_name>& wires,
                const fault_check& check) {
    std::vector<fault_problem> wrong;
    fault made = check(point, wires, wrong);
    if (!wrong.empty())
        throw user_error(pattern.where_written, pattern.name + '.' + wrong.front().key,
                         fmt::format("{} ({})", wrong.front().text, describe({point})));
    return made;
}

std::vector<std::vector<std::uint64_t>> count_crossings(const std::vector<const fault_pattern*>& patterns,
                                                        const std::vector<world>& worlds,
                                                        const std::vector<wire_name>& wires,
                                                        const fault_check& check, execution_if* engine) {
    std::vector<std::vector<std::uint64_t>> counts(patterns.size());
    std::vector<trigger> triggers;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
        if (!patterns[i]->every_crossing)
            continue;
        if (engine == nullptr)
            throw user_error(patterns[i]->where_written, patterns[i]->name + ".nth",
                             "\"all\" needs a run without faults, and this program has no engine for it");
        const auto before = triggers.size();
        add_triggers(triggers, *patterns[i], wires, check);
        counts[i].resize(triggers.size() - before, 0);
    }
    if (triggers.empty())
        return counts;
    for (const world& where : worlds) {
        const auto rehearsed = engine->rehearse(where, triggers);
        check_sound(where, rehearsed);
        sc_assert(rehearsed.crossings.size() == triggers.size());
        auto seen = rehearsed.crossings.begin();
        for (auto& pattern : counts)
            for (auto& most : pattern)
                most = std::max(most, *seen++);
    }
    return counts;
}

}  // namespace vtwin::scenario
