#include "scenarios/campaign/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "scenarios/campaign/fault_json.h"

namespace vtwin::scenario {
namespace {

constexpr std::size_t most_kinds = 6;         // named in a finding
constexpr std::string_view hardware = "tpm";  // subject of violations that is no domain

/// Kinds of the faults of a run; noise is left out, it is in all runs alike.
std::string kinds_of(const planned_run& run) {
    std::vector<std::string> kinds;
    for (const auto& each : run.faults)
        if (!each.name.starts_with("noise-") && std::ranges::count(kinds, each.kind) == 0)
            kinds.push_back(each.kind);
    std::ranges::sort(kinds);
    return kinds.empty() ? "no fault" : fmt::format("{}", fmt::join(kinds, " + "));
}

class counter {
  public:
    explicit counter(const campaign_store& store) : m_variants(store.header().variants) {
        for (const auto& each : store.allowances())
            m_allowed[{each.variant, each.stratum}] = each.allowed;
        m_pairs.resize(m_variants.size());
    }

    void take(const stored_run& run) {
        // Ids go variant by variant, so the runs of one point follow each other.
        const auto point = (run.plan.id - 1) / m_variants.size();
        if (point != m_point)
            close_point();
        m_point = point;
        if (!run.result)
            return;
        const auto worst = run.result->result.worst;
        auto& row = m_by_stratum[{run.plan.stratum, run.where.variant}];
        ++row.counts.of[static_cast<std::size_t>(worst)];
        row.not_allowed += m_allowed[{run.where.variant, run.plan.stratum}].contains(worst) ? 0 : 1;
        const auto kinds = kinds_of(run.plan);
        ++m_by_kind[{kinds, run.where.variant}].counts.of[static_cast<std::size_t>(worst)];
        if (worst >= outcome_class::degraded)
            note(run, kinds);
        const auto& violations = run.result->result.violations;
        if (!violations.empty() && run.result->faults_begun != 0 &&
            violations.front().at >= run.result->first_begun)
            m_delays[run.plan.stratum].push_back(
                (violations.front().at - run.result->first_begun).to_seconds());
        m_results[run.where.variant] = worst;
    }

    void finish(campaign_summary& made) {
        close_point();
        std::vector<std::string> names = {null_stratum};
        for (const auto& each : made.strata)
            names.push_back(each.name);
        for (const auto& name : names)
            for (const auto& variant : m_variants)
                if (const auto found = m_by_stratum.find({name, variant}); found != m_by_stratum.end())
                    made.by_stratum.push_back(
                        {variant, name, found->second.counts, found->second.not_allowed});
        for (const auto& [key, row] : m_by_kind)
            made.by_kind.push_back({key.second, key.first, row.counts});
        for (const auto& row : made.by_stratum)
            made.not_allowed += row.not_allowed;
        for (const auto& [key, each] : m_findings)
            made.findings.push_back(finish(each));
        made.delays = std::move(m_delays);
        // Our own failures first; then harm before the rest, and of that what harms the whole host before
        // what harms one of its TPMs, and what many faults lead to before what few do.
        std::ranges::stable_sort(made.findings, std::greater(), [](const campaign_finding& each) {
            return std::tuple(each.worst == outcome_class::simulator_failure,
                              each.worst >= outcome_class::silent_corruption, each.radius, each.runs,
                              each.worst);
        });
        for (std::size_t i = 1; i < m_variants.size(); ++i)
            made.comparisons.push_back({m_variants[0], m_variants[i], m_pairs[i], mcnemar(m_pairs[i])});
    }

  private:
    void note(const stored_run& run, const std::string& kinds) {
        const auto& result = run.result->result;
        std::set<std::string> damage, domains;
        for (const auto& each : result.violations) {
            damage.insert(each.invariant + ' ' + each.subject);
            if (each.worst >= outcome_class::silent_corruption && each.subject != hardware)
                domains.insert(each.subject);
        }
        if (damage.empty())
            damage = {std::string(code_of(result.worst)), kinds};
        auto& found = m_findings[{run.where.variant, fmt::format("{}", fmt::join(damage, "; "))}];
        ++found.by_kinds[kinds];
        auto& shown = found.shown;
        if (shown.runs++ == 0)
            shown = {result.worst,
                     result.violations.empty() ? "" : result.violations.front().invariant,
                     run.where.variant,
                     kinds,
                     domains.size(),
                     1,
                     run.plan.id,
                     result.summary,
                     describe(run.plan.faults)};
        shown.worst = std::max(shown.worst, result.worst);
    }

    struct grouped_finding {
        campaign_finding shown;
        std::map<std::string, std::uint64_t> by_kinds;
    };
    /// With the kinds of fault that did it, the most frequent first.
    static campaign_finding finish(const grouped_finding& each) {
        std::vector<std::pair<std::string, std::uint64_t>> kinds(each.by_kinds.begin(), each.by_kinds.end());
        std::ranges::stable_sort(kinds, std::greater(), &std::pair<std::string, std::uint64_t>::second);
        auto made = each.shown;
        made.kinds.clear();
        for (std::size_t i = 0; i < std::min(most_kinds, kinds.size()); ++i)
            made.kinds += (i == 0 ? "" : ", ") + kinds[i].first;
        if (kinds.size() > most_kinds)
            made.kinds += fmt::format(" and {} more", kinds.size() - most_kinds);
        return made;
    }

    /// Compares what the variants made of one point.
    void close_point() {
        const auto first = m_results.find(m_variants.front());
        for (std::size_t i = 1; i < m_variants.size() && first != m_results.end(); ++i) {
            const auto other = m_results.find(m_variants[i]);
            if (other == m_results.end() || first->second == outcome_class::simulator_failure ||
                other->second == outcome_class::simulator_failure)
                continue;
            const bool a = is_harm(first->second), b = is_harm(other->second);
            ++(a && b ? m_pairs[i].both
               : a    ? m_pairs[i].only_first
               : b    ? m_pairs[i].only_second
                      : m_pairs[i].neither);
        }
        m_results.clear();
    }

    using key = std::pair<std::string, std::string>;
    std::vector<std::string> m_variants;
    std::map<key, outcome_set> m_allowed;
    std::map<key, summary_row> m_by_stratum, m_by_kind;
    std::map<key, grouped_finding> m_findings;  ///< by variant and damage
    std::vector<paired_counts> m_pairs;
    std::map<std::string, std::vector<double>> m_delays;
    std::map<std::string, outcome_class> m_results;  ///< of the point that is being read, by variant
    std::uint64_t m_point = 0;
};

harm_estimate estimate_of(const campaign_summary& made, const std::string& variant) {
    std::vector<stratum_sample> samples;
    for (const auto& stratum : made.strata) {
        stratum_sample sample{stratum.weight, 0, 0, stratum.population};
        for (const auto& row : made.by_stratum)
            if (row.variant == variant && row.name == stratum.name) {
                sample.hits = row.counts.harm();
                sample.runs = row.counts.all() - row.counts.at(outcome_class::simulator_failure);
            }
        samples.push_back(sample);
    }
    return {variant, estimate(samples, made.header.confidence)};
}

}  // namespace

bool is_harm(outcome_class which) {
    return which == outcome_class::hang || which == outcome_class::silent_corruption ||
           which == outcome_class::security_violation;
}

std::uint64_t class_counts::all() const {
    return std::accumulate(of.begin(), of.end(), std::uint64_t{0});
}

std::uint64_t class_counts::exercised() const {
    return all() - at(outcome_class::not_activated) - at(outcome_class::simulator_failure);
}

std::uint64_t class_counts::harm() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < of.size(); ++i)
        sum += is_harm(static_cast<outcome_class>(i)) ? of[i] : 0;
    return sum;
}

campaign_summary summarise(const campaign_store& store) {
    campaign_summary made;
    made.header = store.header();
    made.store = store.file();
    made.planned = store.planned();
    made.finished = store.finished();
    made.time_spent = store.time_spent();
    made.result_hash = store.result_hash();
    made.strata = store.strata();
    counter count(store);
    store.for_each([&](const stored_run& run) { count.take(run); });
    count.finish(made);
    if (!made.strata.empty())
        for (const auto& variant : made.header.variants)
            made.estimates.push_back(estimate_of(made, variant));
    return made;
}

std::string replay_command(const campaign_summary& of, std::uint64_t id) {
    return fmt::format("vtwin campaign replay {} {}", of.store.string(), id);
}

}  // namespace vtwin::scenario
