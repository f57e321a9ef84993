#include "scenarios/campaign/coordinator.h"

#include <fmt/format.h>
#include <algorithm>
#include <map>

namespace vtwin::scenario {
namespace {

/// Runs that are handed to the engine in one call: enough that the cost of a call does not show, few enough
/// to stay small in memory.
constexpr std::uint64_t at_a_time = 20'000;

std::vector<allowance> allowances_of(const campaign& what) {
    std::vector<allowance> all;
    for (std::size_t i = 0; i < what.variants.size(); ++i) {
        all.push_back({what.variants[i].name, null_stratum, what.allowed_for(i, nullptr)});
        for (const auto& stratum : what.strata)
            all.push_back({what.variants[i].name, stratum.name, what.allowed_for(i, &stratum)});
    }
    return all;
}

}  // namespace

std::filesystem::path default_store(const campaign& what, const shard& part) {
    const auto ending = part.count == 1 ? "" : fmt::format(".{}of{}", part.index, part.count);
    return std::filesystem::path("out") / "campaigns" / (what.name + ending + ".sqlite");
}

void make_store(const campaign& what, const std::filesystem::path& file, const shard& part,
                execution_if* engine, bool replace, const fault_check& check) {
    store_header header;
    header.name = what.name;
    header.description = what.description;
    header.file = what.file;
    header.program = "vtwin " VTWIN_VERSION;
    header.identity = identity_of(what);
    header.confidence = what.confidence;
    header.part = part;
    for (const auto& variant : what.variants)
        header.variants.push_back(variant.name);
    campaign_store::check_place(file, replace);
    campaign_store::create(file, header, allowances_of(what), planner(what, engine, check), replace);
}

std::uint64_t run_pending(campaign_store& store, execution_if& engine, const run_pending_options& options,
                          std::ostream& out, bool on_terminal) {
    const auto left = store.planned() - store.finished();
    const auto wanted = std::min(left, options.limit.value_or(left));
    const auto worlds = store.worlds();
    progress shown(out, on_terminal, wanted);
    std::chrono::milliseconds counted{0};
    // With every result and not at the end: a program that is killed has spent its time all the same.
    const auto count_time = [&] {
        const auto now = shown.elapsed();
        store.add_time_spent(now - counted);
        counted = now;
    };
    while (shown.done() < wanted) {
        const auto runs = store.pending(std::min(wanted - shown.done(), at_a_time));
        const auto before = shown.done();
        engine.run(worlds, runs, options.jobs, [&](const finished_run& result) {
            count_time();
            store.add(result);
            shown.one_more();
        });
        count_time();
        store.flush();
        sc_assert(shown.done() - before == runs.size());
    }
    return shown.done();
}

bool replayed_run::same() const {
    return !stored.result ||
           (stored.result->result.worst == now.result.worst && stored.result->fingerprint == now.fingerprint);
}

replayed_run replay(const campaign_store& store, std::uint64_t id, execution_if& engine) {
    auto stored = store.find(id);
    if (!stored)
        throw user_error({store.file().string(), 0}, "",
                         fmt::format("it has no run {}; runs are 1 to {}", id, store.header().runs));
    replayed_run made{std::move(*stored), {}};
    engine.run(store.worlds(), {made.stored.plan}, 1, [&](const finished_run& result) { made.now = result; });
    return made;
}

std::vector<replayed_run> replay_some(const campaign_store& store, std::uint64_t runs, std::uint64_t draw,
                                      unsigned jobs, execution_if& engine) {
    std::vector<replayed_run> all;
    store.for_each([&](const stored_run& run) {
        if (run.result)
            all.push_back({run, {}});
    });
    models::chance_stream chance(draw, "replay");
    for (std::size_t i = 0; i < std::min<std::size_t>(runs, all.size()); ++i)
        std::swap(all[i], all[i + chance.below(all.size() - i)]);
    all.resize(std::min<std::size_t>(runs, all.size()));
    std::vector<planned_run> plan;
    std::map<std::uint64_t, replayed_run*> by_id;
    for (auto& each : all) {
        plan.push_back(each.stored.plan);
        by_id[each.stored.plan.id] = &each;
    }
    engine.run(store.worlds(), plan, jobs,
               [&](const finished_run& result) { by_id.at(result.id)->now = result; });
    std::erase_if(all, [](const replayed_run& each) { return each.same(); });
    return all;
}

}  // namespace vtwin::scenario
