// What a campaign has shown: counts, estimates, comparisons and the worst that was found.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "scenarios/campaign/store.h"
#include "scenarios/statistics/paired.h"
#include "scenarios/statistics/stratified.h"

namespace vtwin::scenario {

/// Hang, silent corruption or security violation: what comparisons and estimates are about.
bool is_harm(outcome_class which);

struct class_counts {
    std::array<std::uint64_t, outcome_classes> of{};
    std::uint64_t at(outcome_class which) const { return of[static_cast<std::size_t>(which)]; }
    std::uint64_t all() const;
    /// Without runs whose fault never began and runs that the twin itself spoilt: what ratios are about.
    std::uint64_t exercised() const;
    std::uint64_t harm() const;
};

struct summary_row {
    std::string variant, name;  ///< of the stratum, or the kinds of fault joined with " + "
    class_counts counts;
    std::uint64_t not_allowed = 0;  ///< only in rows of strata
};

/// Runs that came to the same: class, first invariant, kinds of fault and variant.
/// Runs that did the same damage: the same invariants broken of the same subjects; without any, runs of the
/// same kinds of fault that ended in the same class.
struct campaign_finding {
    outcome_class worst{};
    std::string invariant;  ///< the first that was broken; "" when none was
    std::string variant;
    std::string kinds;         ///< what did it, most frequent first
    std::uint64_t radius = 0;  ///< domains that broken invariants of the classes O6 and O7 concern
    std::uint64_t runs = 0;
    std::uint64_t example = 0;  ///< smallest id
    std::string summary;        ///< of the example
    std::string faults;         ///< of the example, in words
};

/// A variant beside the first one, over pairs of runs that both finished.
struct comparison {
    std::string first, second;
    paired_counts counts;  ///< of harm
    mcnemar_result test;
};

/// Share of all points of the fault space that do harm, in one variant.
struct harm_estimate {
    std::string variant;
    stratified_estimate all;
};

struct campaign_summary {
    store_header header;
    std::filesystem::path store;
    std::uint64_t planned = 0, finished = 0, not_allowed = 0;
    std::chrono::milliseconds time_spent{};
    std::string result_hash;
    std::vector<stratum_plan> strata;
    std::vector<summary_row> by_stratum;  ///< null runs first, then as in the file; variants within
    std::vector<summary_row> by_kind;     ///< by name, variants within
    std::vector<campaign_finding>
        findings;  ///< worst class first (failures of the twin before all), then most runs
    std::vector<comparison> comparisons;
    std::vector<harm_estimate> estimates;
    /// Simulated seconds from the first fault to the first broken invariant, by stratum, in order of runs.
    std::map<std::string, std::vector<double>> delays;
};

campaign_summary summarise(const campaign_store& store);

/// Command that runs one run again.
std::string replay_command(const campaign_summary& of, std::uint64_t id);

}  // namespace vtwin::scenario
