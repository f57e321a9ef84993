#include <nlohmann/json.hpp>

#include "scenarios/campaign/report.h"
#include "scenarios/statistics/sample_size.h"

namespace vtwin::scenario {
namespace {

using nlohmann::json;

json rows_of(const std::vector<summary_row>& rows) {
    json all = json::array();
    for (const auto& row : rows)
        all.push_back({{"variant", row.variant},
                       {"name", row.name},
                       {"counts", row.counts.of},
                       {"all", row.counts.all()},
                       {"exercised", row.counts.exercised()},
                       {"not_allowed", row.not_allowed}});
    return all;
}

json pair_of(const interval& within) {
    return json::array({within.low, within.high});
}

void add_ratios(json& made, const campaign_summary& of) {
    made["intervals"] = json::array();
    made["bounds"] = json::array();
    const double confidence = of.header.confidence;
    for (const auto& row : of.by_stratum) {
        const auto runs = row.counts.exercised();
        for (std::size_t i = 0; i < outcome_classes && runs != 0; ++i) {
            const auto which = static_cast<outcome_class>(i);
            const auto hits = row.counts.at(which);
            if (which == outcome_class::not_activated || which == outcome_class::simulator_failure)
                continue;
            json line = {
                {"variant", row.variant}, {"stratum", row.name}, {"class", code_of(which)}, {"runs", runs}};
            if (hits != 0) {
                line["hits"] = hits;
                line["ratio"] = static_cast<double>(hits) / static_cast<double>(runs);
                line["wilson"] = pair_of(wilson(hits, runs, confidence));
                line["clopper_pearson"] = pair_of(clopper_pearson(hits, runs, confidence));
                made["intervals"].push_back(std::move(line));
            } else if (is_harm(which)) {
                line["upper"] = zero_failure_bound(runs, confidence);
                made["bounds"].push_back(std::move(line));
            }
        }
    }
}

json campaign_of(const campaign_summary& of) {
    return {{"name", of.header.name},         {"description", of.header.description},
            {"file", of.header.file},         {"program", of.header.program},
            {"variants", of.header.variants}, {"confidence", of.header.confidence},
            {"store", of.store.string()},     {"identity", of.header.identity.plan()}};
}

json progress_of(const campaign_summary& of) {
    const double spent = static_cast<double>(of.time_spent.count());
    return {{"planned", of.planned},
            {"finished", of.finished},
            {"not_allowed", of.not_allowed},
            {"milliseconds", of.time_spent.count()},
            {"runs_per_second", spent > 0 ? static_cast<double>(of.finished) * 1000 / spent : 0},
            {"result_hash", of.result_hash}};
}

json findings_of(const campaign_summary& of) {
    json all = json::array();
    for (const auto& each : of.findings)
        all.push_back({{"class", code_of(each.worst)},
                       {"name", name_of(each.worst)},
                       {"invariant", each.invariant},
                       {"variant", each.variant},
                       {"kinds", each.kinds},
                       {"runs", each.runs},
                       {"example", each.example},
                       {"summary", each.summary},
                       {"faults", each.faults},
                       {"replay", replay_command(of, each.example)}});
    return all;
}

}  // namespace

json report_data(const campaign_summary& of) {
    json made = {{"campaign", campaign_of(of)},
                 {"progress", progress_of(of)},
                 {"by_stratum", rows_of(of.by_stratum)},
                 {"by_kind", rows_of(of.by_kind)},
                 {"findings", findings_of(of)},
                 {"classes", json::array()},
                 {"strata", json::array()},
                 {"estimates", json::array()},
                 {"comparisons", json::array()}};
    for (std::size_t i = 0; i < outcome_classes; ++i) {
        const auto which = static_cast<outcome_class>(i);
        made["classes"].push_back({{"code", code_of(which)}, {"name", name_of(which)}});
    }
    for (const auto& each : of.strata)
        made["strata"].push_back({{"name", each.name},
                                  {"population", each.population},
                                  {"drawn", each.drawn},
                                  {"weight", each.weight},
                                  {"sampling", each.sampling}});
    for (const auto& each : of.estimates)
        made["estimates"].push_back({{"variant", each.variant},
                                     {"ratio", each.all.ratio},
                                     {"variance", each.all.variance},
                                     {"low", each.all.within.low},
                                     {"high", each.all.within.high},
                                     {"covered", each.all.covered},
                                     {"known", each.all.known}});
    for (const auto& each : of.comparisons)
        made["comparisons"].push_back({{"first", each.first},
                                       {"second", each.second},
                                       {"both", each.counts.both},
                                       {"only_first", each.counts.only_first},
                                       {"only_second", each.counts.only_second},
                                       {"neither", each.counts.neither},
                                       {"exact", each.test.exact},
                                       {"mid_p", each.test.mid_p}});
    made["delays"] = of.delays;
    add_ratios(made, of);
    return made;
}

}  // namespace vtwin::scenario
