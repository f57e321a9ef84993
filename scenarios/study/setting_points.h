// The points of a study by setting, and figures over them.
#pragma once

#include <string>
#include <vector>

#include "scenarios/study/results.h"
#include "scenarios/study/statistics.h"
#include "scenarios/study/study.h"

namespace vtwin::scenario::study {

/// The points of one setting that have figures.
struct setting_points {
    setting which;
    std::vector<const stored_point*> points;  ///< by seed
    std::size_t failed = 0;
};

/// Settings in the study's order, with the points that are there. `points` must outlive the result.
std::vector<setting_points> by_setting(const study& what, const std::vector<stored_point>& points);

/// A metric over the replications; those without it do not count.
estimate mean_of(const setting_points& of, const std::string& metric);
/// Over the replications together: 0 without any.
double sum_of(const setting_points& of, const std::string& metric);
double largest_of(const setting_points& of, const std::string& metric);
/// `of` minus `reference`, seed by seed: what chance has in common falls out. Only seeds that both have.
estimate difference(const setting_points& of, const setting_points& reference, const std::string& metric);

}  // namespace vtwin::scenario::study
