// One point of a study: one simulation, its figures.
#pragma once

#include <string>
#include <vector>

#include "models/platform/config.h"
#include "scenarios/study/metrics.h"

namespace vtwin::scenario::study {

struct point_result {
    std::string problem;  ///< why there are no figures; empty when there are
    metrics values;
    std::vector<std::uint64_t> latencies;  ///< sorted, nanoseconds
};

/// Elaborates the machine, runs it to its end and measures. Once per process.
point_result run_point(const models::run_config& config);

}  // namespace vtwin::scenario::study
