// A study as its file describes it: a scenario, keys to vary, seeds, and what to look at.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/schema/reader.h"

namespace vtwin::scenario::study {

/// Keys that change together: step i gives keys[k] the text values[i][k].
struct sweep {
    std::string name;  ///< as columns and axes are titled
    std::vector<std::string> keys;
    std::vector<std::vector<std::string>> values;
    std::vector<std::string> labels;  ///< one per step
    origin where;
};

/// What theory says about a setting, held against what was measured.
struct formula {
    enum class kind : std::uint8_t {
        saturation,  ///< closed loops without think time: min(guests / unloaded latency, 1 / service time)
        m_d_1,       ///< mean wait, Poisson arrivals at a server with constant service time
        sum,         ///< the latency is the sum of the wait in the guest and all hops
    };
    kind which = kind::sum;
    std::vector<std::string> only;  ///< labels of the settings for which it holds; empty: all
};

struct study {
    std::string name, title, description;
    std::string scenario;             ///< path, or a name of the library
    std::vector<override_text> base;  ///< for every setting
    std::vector<sweep> sweeps;        ///< all combinations are run
    std::uint64_t replications = 1, first_seed = 1;
    std::vector<std::string> metrics;          ///< shown in the report; all are kept
    std::optional<sc_core::sc_time> deadline;  ///< of operations that have none of their own
    std::vector<formula> formulas;
    std::string identity;  ///< digest of everything that results depend on, the program's version included
};

/// One combination of the sweeps.
struct setting {
    std::vector<std::string> labels;  ///< one per sweep
    std::vector<override_text> overrides;
};

/// Reads a study. `file` is a path, or the name of a study of the library. Throws user_error with every
/// mistake found in the file; mistakes in keys are found by load_setting.
study read_study(const std::string& file);

/// All combinations; the last sweep varies fastest.
std::vector<setting> settings_of(const study& what);

/// Where a point stands among all: points are numbered from 0, by setting, then by seed.
struct point_place {
    std::size_t setting = 0;  ///< position in settings_of
    std::uint64_t seed = 0;
};
/// Points of the whole study.
std::uint64_t points_of(const study& what);
point_place place_of(const study& what, std::uint64_t number);
std::uint64_t number_of(const study& what, const point_place& place);

/// "a=1, b=x"
std::string label_of(const study& what, const setting& which);

/// Values from `from` to `to`, both included, rounded to three significant digits except at the ends.
std::vector<std::uint64_t> spread(std::uint64_t from, std::uint64_t to, std::size_t points, bool logarithmic);

struct study_entry {
    std::string name, description;
};
/// Studies that come with the program.
std::vector<study_entry> list_studies();

}  // namespace vtwin::scenario::study
