// From a summary to what its page shows.
#include <fmt/format.h>

#include "scenarios/campaign/report.h"
#include "scenarios/statistics/print.h"

namespace vtwin::scenario {
namespace {

std::vector<outcome_tally> tallies_of(const std::vector<summary_row>& rows) {
    std::vector<outcome_tally> made;
    made.reserve(rows.size());
    for (const auto& row : rows)
        made.push_back({row.variant, row.name, row.counts.of});
    return made;
}

/// Share of harm per stratum and variant.
void add_ratios(campaign_view& made, const campaign_summary& of) {
    made.ratio_title = fmt::format(
        "hang, silent corruption or security violation, of the runs whose fault began "
        "(Clopper-Pearson, {})",
        print_percent(of.header.confidence));
    for (const auto& row : of.by_stratum) {
        const auto runs = row.counts.exercised(), hits = row.counts.harm();
        if (runs == 0 || row.name == null_stratum)
            continue;
        const auto within = clopper_pearson(hits, runs, of.header.confidence);
        made.ratios.push_back({row.variant.empty() ? row.name : row.name + ", " + row.variant, hits, runs,
                               static_cast<double>(hits) / static_cast<double>(runs), within.low, within.high,
                               row.not_allowed == 0});
    }
}

}  // namespace

campaign_view view_of(const campaign_summary& of) {
    campaign_view made;
    made.name = of.header.name;
    made.description = of.header.description;
    made.about = {"campaign " + of.header.file, "program " + of.header.program,
                  "plan " + of.header.identity.plan(), "results " + of.result_hash};
    made.planned = of.planned;
    made.finished = of.finished;
    made.kinds = tallies_of(of.by_kind);
    made.strata = tallies_of(of.by_stratum);
    add_ratios(made, of);
    for (const auto& each : of.comparisons)
        made.comparisons.push_back({each.first, each.second, each.counts.pairs(), each.counts.only_first,
                                    each.counts.only_second, print_probability(each.test.exact)});
    for (const auto& each : of.findings)
        made.findings.push_back({each.worst, each.invariant, each.variant, each.faults, each.summary,
                                 each.runs, replay_command(of, each.example)});
    for (const auto& [name, seconds] : of.delays)
        made.delays.push_back({name, seconds});
    return made;
}

}  // namespace vtwin::scenario
