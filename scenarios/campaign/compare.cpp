// Two stores beside each other.
#include <fmt/format.h>

#include <map>
#include <tuple>

#include "scenarios/campaign/fault_json.h"
#include "scenarios/campaign/report.h"

namespace vtwin::scenario {
namespace {

struct seen_run {
    std::uint64_t id = 0;
    outcome_class worst{};
    std::string fingerprint;
};
using run_key = std::tuple<std::string, std::uint64_t, std::string, std::string>;

run_key key_of(const stored_run& run) {
    return {run.where.variant, run.where.seed, run.plan.stratum, write_faults(run.plan.faults)};
}

}  // namespace

campaign_difference compare(const campaign_store& first, const campaign_store& second) {
    std::map<run_key, seen_run> seen;
    first.for_each([&](const stored_run& run) {
        if (run.result)
            seen[key_of(run)] = {run.plan.id, run.result->result.worst, run.result->fingerprint};
    });
    campaign_difference made;
    second.for_each([&](const stored_run& run) {
        if (!run.result)
            return;
        const auto found = seen.find(key_of(run));
        if (found == seen.end()) {
            ++made.only_second;
            return;
        }
        const seen_run before = found->second;
        seen.erase(found);
        const auto worst = run.result->result.worst;
        if (before.worst == worst && before.fingerprint == run.result->fingerprint)
            return;
        ++made.changed;
        made.text += fmt::format(
            "{} -> {}{}  run {} -> {}, seed {}{}{}: {}\n", code_of(before.worst), code_of(worst),
            before.worst == worst ? " (other fingerprint)" : "", before.id, run.plan.id, run.where.seed,
            run.where.variant.empty() ? "" : ", ", run.where.variant, describe(run.plan.faults));
    });
    made.only_first = seen.size();
    made.text += fmt::format("{} runs changed, {} only in the first, {} only in the second\n", made.changed,
                             made.only_first, made.only_second);
    return made;
}

}  // namespace vtwin::scenario
