// A campaign as it was written: which scenario, in which variants and with which seeds, what faults, how many
// of them, and what may come of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/campaign/dimension.h"
#include "scenarios/campaign/engine.h"
#include "scenarios/campaign/outcome_set.h"
#include "scenarios/config/scenario.h"
#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

/// A fault whose keys may have several values: the points of a space.
struct fault_pattern {
    std::string name;  ///< path in the file: "strata.torn", "strata.pair.faults.0", "noise.slow"
    origin where_written;
    std::string kind;
    dimension target, on;                                        ///< `on` not given: the target
    std::vector<std::pair<std::string, dimension>> where, with;  ///< sorted by name
    bool every_crossing = false;                                 ///< nth = "all"
    dimension nth, at;
    std::uint64_t count = 1;
    std::optional<std::uint64_t> duration;  ///< picoseconds
    std::uint32_t per_million = 1'000'000;
};

/// How many points of a stratum are run.
struct sampling {
    enum class rule : std::uint8_t { exhaustive, number, margin };
    rule how = rule::exhaustive;
    std::uint64_t number = 0;
    double margin = 0, confidence = 0;
    std::string text() const;
    /// Runs to draw from so many points; never more than those.
    std::uint64_t size(std::uint64_t population) const;
};

struct campaign_stratum {
    std::string name, description;
    origin where_written;
    std::vector<fault_pattern> faults;  ///< at once
    sampling sample;
    std::optional<double> weight;  ///< absent: its share of all points
    std::optional<outcome_set> allowed;
};

struct campaign_variant {
    std::string name;
    std::vector<override_text> overrides;
    std::optional<outcome_set> allowed;
};

struct campaign_noise {
    fault_pattern what;
    std::uint32_t per_million = 1'000'000;  ///< share of the runs that get it
};

inline constexpr std::uint64_t most_runs = 10'000'000;  ///< of a campaign

struct campaign {
    std::string name, description;
    std::string file, text;  ///< absolute path, and its content
    std::string scenario;    ///< for load_scenario
    std::uint64_t seed = 1;  ///< of the drawing
    std::vector<std::uint64_t> seeds;
    std::uint64_t null_runs = 0;
    std::optional<outcome_set> allowed;
    double confidence = 0.95;
    run_limits limits;
    std::vector<campaign_variant> variants;  ///< never empty; one without a name when the file has none
    std::vector<campaign_stratum> strata;
    std::vector<campaign_noise> noise;
    std::vector<loaded_scenario> scenarios;  ///< one per variant, with the first seed

    /// What a run of this variant and stratum ("" for null runs) may come to.
    outcome_set allowed_for(std::size_t variant, const campaign_stratum* stratum) const;
};

/// The stratum of runs without faults.
inline constexpr const char* null_stratum = "null";

/// check_fault, or what a test puts in its place.
using fault_check = std::function<fault(fault, const std::vector<wire_name>&, std::vector<fault_problem>&)>;

/// Reads a campaign: `file` is a path, or the name of one in `library`/campaigns. The scenario is looked for
/// beside it first, then in the library, and is loaded once per variant; every value of every fault is
/// checked against the wires of each. Throws user_error with every mistake found.
campaign read_campaign(const std::string& file, const fault_check& check = check_fault,
                       const std::filesystem::path& library = default_library());

/// Campaigns of the library: name and description, sorted by name.
std::vector<library_entry> list_campaigns(const std::filesystem::path& library = default_library());

}  // namespace vtwin::scenario
