#include "scenarios/campaign/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "scenarios/statistics/print.h"
#include "scenarios/statistics/sample_size.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t most_findings = 20;

std::string shown(const std::string& variant) {
    return variant.empty() ? "-" : variant;
}

std::string head(const campaign_summary& of) {
    std::string text = fmt::format("campaign {}", of.header.name);
    if (!of.header.description.empty())
        text += ": " + of.header.description;
    text +=
        fmt::format("\nstore    {}\nruns     {} of {} finished", of.store.string(), of.finished, of.planned);
    if (of.header.part.count != 1)
        text += fmt::format(" (part {} of {})", of.header.part.index, of.header.part.count);
    if (of.time_spent.count() > 0)
        text += fmt::format(", {:.1f} runs/s", static_cast<double>(of.finished) * 1000 /
                                                   static_cast<double>(of.time_spent.count()));
    if (of.finished < of.planned)
        text += "\n         not all finished: what is there is no random sample, ratios may mislead";
    return text + fmt::format("\nplan     {}\nresults  {}\n", of.header.identity.plan(), of.result_hash);
}

std::string table(const std::string& title, const std::vector<summary_row>& rows) {
    std::size_t wide = title.size(), variant_wide = 7;
    for (const auto& row : rows) {
        wide = std::max(wide, row.name.size());
        variant_wide = std::max(variant_wide, row.variant.size());
    }
    std::string text = fmt::format("\n{:<{}}  {:<{}} {:>8}", title, wide, "variant", variant_wide, "runs");
    for (std::size_t i = 0; i < outcome_classes; ++i)
        text += fmt::format(" {:>7}", code_of(static_cast<outcome_class>(i)));
    text += '\n';
    for (const auto& row : rows) {
        text += fmt::format("{:<{}}  {:<{}} {:>8}", row.name, wide, shown(row.variant), variant_wide,
                            row.counts.all());
        for (const auto count : row.counts.of)
            text += count == 0 ? fmt::format(" {:>7}", ".") : fmt::format(" {:>7}", count);
        text += row.not_allowed == 0 ? "\n" : fmt::format("  {} not allowed\n", row.not_allowed);
    }
    return text;
}

std::string legend() {
    std::string text = "\n";
    for (std::size_t i = 0; i < outcome_classes; ++i) {
        const auto which = static_cast<outcome_class>(i);
        text += fmt::format("{}{} {}", i == 0 ? "" : i == 5 ? "\n" : "  ", code_of(which), name_of(which));
    }
    return text + '\n';
}

/// Ratios of the classes that occurred, among runs whose fault began; bounds for harm that did not.
std::string ratios(const campaign_summary& of) {
    std::string text;
    for (const auto& row : of.by_stratum) {
        const auto runs = row.counts.exercised();
        if (row.name == null_stratum || row.counts.all() == 0)
            continue;
        text += fmt::format("  {}{}{}: {} exercised, {} not\n", row.name, row.variant.empty() ? "" : ", ",
                            row.variant, print_share(runs, row.counts.all()),
                            row.counts.at(outcome_class::not_activated));
        for (auto which = outcome_class::masked; which < outcome_class::simulator_failure && runs != 0;
             which = static_cast<outcome_class>(static_cast<int>(which) + 1)) {
            const auto hits = row.counts.at(which);
            const double p = static_cast<double>(hits) / static_cast<double>(runs);
            if (hits != 0)
                text += fmt::format("    {} {:<18} {:>8}  Wilson {}  Clopper-Pearson {}\n", code_of(which),
                                    name_of(which), print_percent(p),
                                    print_interval(wilson(hits, runs, of.header.confidence)),
                                    print_interval(clopper_pearson(hits, runs, of.header.confidence)));
            else if (is_harm(which))
                text += fmt::format("    {} {:<18}     none  below {}\n", code_of(which), name_of(which),
                                    print_percent(zero_failure_bound(runs, of.header.confidence)));
        }
    }
    return text.empty() ? ""
                        : fmt::format("\nof the runs whose fault began, at {} confidence:\n",
                                      print_percent(of.header.confidence)) +
                              text;
}

/// What silence in runs without faults says about the oracles.
std::string false_alarms(const campaign_summary& of) {
    std::string text;
    for (const auto& row : of.by_stratum) {
        const auto runs = row.counts.all();
        if (row.name != null_stratum || runs == 0)
            continue;
        const auto quiet = row.counts.at(outcome_class::not_activated) +
                           row.counts.at(outcome_class::masked) + row.counts.at(outcome_class::corrected);
        text += fmt::format("  {}{}{} of {} fired or did not repeat", row.variant,
                            row.variant.empty() ? "" : ": ", runs - quiet, runs);
        text += quiet == runs ? fmt::format(", the true share is below {}\n",
                                            print_percent(zero_failure_bound(runs, of.header.confidence)))
                              : "\n";
    }
    return text.empty() ? ""
                        : fmt::format("\nof the runs without faults, at {} confidence:\n",
                                      print_percent(of.header.confidence)) +
                              text;
}

std::string estimates(const campaign_summary& of) {
    std::string text;
    for (const auto& each : of.estimates)
        if (each.all.known)
            text +=
                fmt::format("harm over all points{}{}: {} ({}){}\n", each.variant.empty() ? "" : ", ",
                            each.variant, print_percent(each.all.ratio), print_interval(each.all.within),
                            each.all.covered < 1 ? fmt::format("; strata without runs left out: {} covered",
                                                               print_percent(each.all.covered))
                                                 : "");
    for (const auto& each : of.comparisons)
        text += fmt::format(
            "{} against {}: harm in both {}, only {} {}, only {} {}, neither {}; McNemar p = {} (mid-p {})\n",
            each.first, each.second, each.counts.both, each.first, each.counts.only_first, each.second,
            each.counts.only_second, each.counts.neither, print_probability(each.test.exact),
            print_probability(each.test.mid_p));
    return text.empty() ? "" : '\n' + text;
}

std::string findings(const campaign_summary& of) {
    std::string text;
    for (std::size_t i = 0; i < std::min(most_findings, of.findings.size()); ++i) {
        const auto& each = of.findings[i];
        const auto radius = each.radius > 1 ? fmt::format(", harms {} domains", each.radius) : "";
        text += fmt::format("{} {}{}{}{}  {} runs{}{}: {}\n", code_of(each.worst), name_of(each.worst),
                            each.invariant.empty() ? "" : ", ", each.invariant, radius, each.runs,
                            each.variant.empty() ? "" : " of ", each.variant, each.kinds);
        text +=
            fmt::format("   {}\n   {}\n   {}\n", each.summary, each.faults, replay_command(of, each.example));
    }
    if (of.findings.size() > most_findings)
        text += fmt::format("and {} more\n", of.findings.size() - most_findings);
    return text.empty() ? "" : "\nworst findings\n" + text;
}

}  // namespace

std::string report_text(const campaign_summary& of) {
    std::string text = head(of);
    if (of.finished == 0)
        return text;
    text += table("stratum", of.by_stratum) + legend() + false_alarms(of) + ratios(of) + estimates(of) +
            findings(of);
    if (of.not_allowed != 0)
        text += fmt::format("\n{} runs came to what the campaign does not allow\n", of.not_allowed);
    return text;
}

}  // namespace vtwin::scenario
