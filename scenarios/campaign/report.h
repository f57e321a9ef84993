// A campaign's summary as text for the terminal and as data for pages.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "scenarios/campaign/campaign_page.h"
#include "scenarios/campaign/summary.h"

namespace vtwin::scenario {

std::string report_text(const campaign_summary& of);

/// One document with everything that a page shows:
/// - "campaign": name, description, file, program, identity, variants, confidence, store
/// - "progress": planned, finished, not_allowed, milliseconds, runs_per_second, result_hash
/// - "classes": [{code, name}], in order; counts below are arrays in this order
/// - "strata": [{name, population, drawn, weight, sampling}]
/// - "by_stratum", "by_kind": [{variant, name, counts, all, exercised, not_allowed}]
/// - "intervals": [{variant, stratum, class, hits, runs, ratio, wilson: [low, high], clopper_pearson: [..]}]
/// - "bounds": [{variant, stratum, class, runs, upper}]: classes O5 to O7 that never occurred
/// - "estimates": [{variant, ratio, variance, low, high, covered, known}]
/// - "comparisons": [{first, second, both, only_first, only_second, neither, exact, mid_p}]
/// - "findings": [{class, name, invariant, variant, kinds, runs, example, summary, faults, replay}]
/// - "delays": {stratum: [seconds from the first fault to the first broken invariant]}
nlohmann::json report_data(const campaign_summary& of);

/// The same as the page that campaign_page draws.
campaign_view view_of(const campaign_summary& of);

/// How the runs of two stores differ: by (variant, seed, stratum, faults), so that stores of different builds
/// can be compared.
struct campaign_difference {
    std::string text;           ///< a line per run that changed class, and how many have no partner
    std::uint64_t changed = 0;  ///< class or, with the same class, fingerprint
    std::uint64_t only_first = 0, only_second = 0;
    bool none() const { return changed + only_first + only_second == 0; }
};
campaign_difference compare(const campaign_store& first, const campaign_store& second);

}  // namespace vtwin::scenario
