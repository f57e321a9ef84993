#include "scenarios/campaign/campaign_page.h"

#include <fmt/format.h>

#include <set>

namespace vtwin::scenario {
namespace {

using report::alignment;
using report::code_line;
using report::heat_map;
using report::interval_plot;
using report::line_chart;
using report::page;
using report::paragraph;
using report::section;
using report::severity;

outcome_class class_at(std::size_t index) {
    return static_cast<outcome_class>(index);
}

std::string title_of(outcome_class which) {
    return fmt::format("{} {}", code_of(which), name_of(which));
}

std::vector<std::string> variants_of(const std::vector<outcome_tally>& tallies) {
    std::vector<std::string> found;
    for (const outcome_tally& each : tallies)
        if (std::find(found.begin(), found.end(), each.variant) == found.end())
            found.push_back(each.variant);
    return found;
}

heat_map matrix_of(const std::vector<outcome_tally>& tallies, const std::string& variant,
                   const std::string& caption) {
    heat_map made{variant.empty() ? caption : caption + ": " + variant, {}, {}, {}, {}};
    for (std::size_t index = 0; index < outcome_classes; ++index) {
        made.columns.push_back(title_of(class_at(index)));
        made.column_meanings.push_back(meaning_of(class_at(index)));
    }
    for (const outcome_tally& each : tallies)
        if (each.variant == variant) {
            made.rows.push_back(each.name);
            made.counts.emplace_back(each.counts.begin(), each.counts.end());
        }
    return made;
}

void add_matrices(section& to, const std::vector<outcome_tally>& tallies, const std::string& caption) {
    for (const std::string& variant : variants_of(tallies))
        to.blocks.push_back(matrix_of(tallies, variant, caption));
}

section outcomes_of(const campaign_view& what) {
    section made{"Outcomes", {}};
    made.blocks.push_back(
        paragraph{"Each run counts once, with the worst class that applies. Runs in class O0 say nothing "
                  "about the fault: it "
                  "never began."});
    add_matrices(made, what.kinds, "Runs by kind of fault and outcome");
    add_matrices(made, what.strata, "Runs by stratum and outcome");
    return made;
}

section ratios_of(const campaign_view& what) {
    interval_plot plot{what.ratio_title, {"share of runs", "%"}, {}, {}, ""};
    for (const ratio_line& each : what.ratios) {
        const severity meaning = each.hits == 0 ? severity::good
                                 : each.allowed ? severity::warning
                                                : severity::bad;
        plot.intervals.push_back({each.label, 100 * each.ratio, 100 * each.low, 100 * each.high,
                                  fmt::format("{} of {}", each.hits, each.runs), meaning});
    }
    return {"Ratios", {std::move(plot)}};
}

section comparisons_of(const campaign_view& what) {
    report::table made{"",
                       {{"variant"},
                        {"compared with"},
                        {"pairs", alignment::right},
                        {"only the first fails", alignment::right},
                        {"only the second fails", alignment::right},
                        {"p", alignment::right}},
                       {}};
    for (const variant_comparison& each : what.comparisons)
        made.rows.push_back({{each.first},
                             {each.second},
                             {std::to_string(each.pairs)},
                             {std::to_string(each.only_first)},
                             {std::to_string(each.only_second)},
                             {each.probability}});
    return {
        "Variants under the same faults",
        {paragraph{
             "Pairs of runs with the same seed and the same fault, McNemar's test: p is the probability of a "
             "difference as large as this one if both variants were equally good."},
         std::move(made)}};
}

section findings_of(const campaign_view& what) {
    section made{"Worst findings", {}};
    report::table found{
        "",
        {{"class"}, {"runs", alignment::right}, {"invariant"}, {"variant"}, {"fault"}, {"what happened"}},
        {}};
    for (const finding& each : what.findings)
        found.rows.push_back({{title_of(each.worst), meaning_of(each.worst)},
                              {std::to_string(each.runs)},
                              {each.invariant},
                              {each.variant},
                              {each.faults},
                              {each.summary}});
    made.blocks.push_back(std::move(found));
    for (const finding& each : what.findings)
        if (!each.replay.empty())
            made.blocks.push_back(
                code_line{fmt::format("{}{}{}, {}", code_of(each.worst), each.invariant.empty() ? "" : " ",
                                      each.invariant, each.faults),
                          each.replay});
    return made;
}

section delays_of(const campaign_view& what) {
    line_chart made{
        "From the fault to the first violation", {"time", "s", true}, {"share of runs with one", ""}, {}, {}};
    for (const delay_list& each : what.delays)
        made.curves.push_back(
            report::distribution(fmt::format("{} ({})", each.name, each.seconds.size()), each.seconds));
    return {"Delays", {std::move(made)}};
}

}  // namespace

severity meaning_of(outcome_class which) {
    switch (which) {
        case outcome_class::not_activated:
            return severity::none;
        case outcome_class::masked:
        case outcome_class::corrected:
            return severity::good;
        case outcome_class::detected_safe:
            return severity::notice;
        case outcome_class::degraded:
        case outcome_class::hang:
            return severity::warning;
        case outcome_class::silent_corruption:
        case outcome_class::security_violation:
            return severity::bad;
        case outcome_class::simulator_failure:
            return severity::broken;
    }
    return severity::broken;
}

page campaign_page(const campaign_view& what) {
    page made{"Campaign " + what.name, {}, {}};
    if (!what.description.empty())
        made.subtitle.push_back(what.description);
    made.subtitle.push_back(what.finished == what.planned
                                ? fmt::format("{} runs", what.finished)
                                : fmt::format("{} of {} runs; not complete", what.finished, what.planned));
    made.subtitle.insert(made.subtitle.end(), what.about.begin(), what.about.end());
    if (!what.kinds.empty() || !what.strata.empty())
        made.sections.push_back(outcomes_of(what));
    if (!what.findings.empty())
        made.sections.push_back(findings_of(what));
    if (!what.ratios.empty())
        made.sections.push_back(ratios_of(what));
    if (!what.comparisons.empty())
        made.sections.push_back(comparisons_of(what));
    if (!what.delays.empty())
        made.sections.push_back(delays_of(what));
    return made;
}

}  // namespace vtwin::scenario
