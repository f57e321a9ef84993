// Runs the points of a study: each in a process of its own, several at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <ostream>

#include "scenarios/batch/shard.h"
#include "scenarios/study/point.h"
#include "scenarios/study/results.h"
#include "scenarios/study/study.h"

namespace vtwin::scenario::study {

struct execution_options {
    std::filesystem::path out;  ///< directory for study.db and points.csv
    unsigned jobs = 1;          ///< processes at a time
    bool progress = true;       ///< a line per point that ended
    shard part = {};            ///< only these points, by their numbers
};

/// What simulates one point; called in a child process that ends after it.
using simulate_point = std::function<point_result(const models::run_config&)>;

struct execution_summary {
    std::size_t done = 0, skipped = 0, failed = 0;  ///< skipped: there already
};

/// Loads every setting. Throws user_error with the mistakes in the keys.
void check_settings(const study& what);

/// Every setting with every seed, except what `options.out` holds already. Mistakes in the keys of any
/// setting are reported before anything runs (user_error). The same seeds are used in every setting, so that
/// settings can be compared pair by pair. A point that fails, be it by a crash, is stored with its problem
/// and does not stop the others.
execution_summary execute(const study& what, const execution_options& options, const simulate_point& simulate,
                          std::ostream& out);

/// Quantiles in steps of 1/200 of sorted values; empty without values.
std::vector<double> quantiles_of(const std::vector<std::uint64_t>& sorted);

}  // namespace vtwin::scenario::study
