// What came of a campaign, as a report: outcomes by kind of fault, ratios with intervals, the worst findings.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/oracles/outcome.h"
#include "scenarios/report/page.h"

namespace vtwin::scenario {

/// Runs of one name (a kind of fault, a stratum) in one variant, by class.
struct outcome_tally {
    std::string variant;  ///< "" when the campaign has only one
    std::string name;
    std::array<std::uint64_t, outcome_classes> counts{};
};

/// A ratio and where the true one lies.
struct ratio_line {
    std::string label;
    std::uint64_t hits = 0, runs = 0;
    double ratio = 0, low = 0, high = 1;
    bool allowed = true;  ///< false: the campaign does not allow what was hit
};

/// Two variants under the same faults and seeds.
struct variant_comparison {
    std::string first, second;
    std::uint64_t pairs = 0, only_first = 0, only_second = 0;  ///< pairs, and those in which only one failed
    std::string probability;                                   ///< of the test, as text
};

/// What several runs showed, with one of them as the example.
struct finding {
    outcome_class worst = outcome_class::simulator_failure;
    std::string invariant, variant, faults, summary;
    std::uint64_t runs = 0;
    std::string replay;  ///< the command that runs the example again; "" for none
};

/// Times, in seconds, between the first fault of a run and its first violation.
struct delay_list {
    std::string name;
    std::vector<double> seconds;
};

/// Everything that the report shows; parts that are empty are left out.
struct campaign_view {
    std::string name, description;
    std::vector<std::string> about;  ///< lines below the title: scenario, program, digests
    std::uint64_t planned = 0, finished = 0;
    std::vector<outcome_tally> kinds, strata;
    std::string ratio_title;         ///< of what the ratios are, with the method
    std::vector<ratio_line> ratios;  ///< of runs whose fault began
    std::vector<variant_comparison> comparisons;
    std::vector<finding> findings;  ///< worst first
    std::vector<delay_list> delays;
};

report::page campaign_page(const campaign_view& what);

/// The colour of a class, in every report.
report::severity meaning_of(outcome_class which);

}  // namespace vtwin::scenario
