// A study's figures as a page: tables with confidence intervals, curves, distributions, where the time went,
// and theory beside measurement.
#pragma once

#include <optional>
#include <vector>

#include "scenarios/report/page.h"
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
/// `of` minus `reference`, seed by seed: what chance has in common falls out. Only seeds that both have.
estimate difference(const setting_points& of, const setting_points& reference, const std::string& metric);

/// What a formula says and what was measured, in the unit of its metric.
struct prediction {
    double expected = 0, measured = 0;
    /// (measured - expected) / expected; 0 when both are 0.
    double deviation() const;
};
/// Nothing when the formula does not hold for the setting, by its labels, or because figures are missing or
/// the server is overloaded. `unloaded` tells the service time and the latency that an operation has when
/// no other is in its way.
std::optional<prediction> predict(const formula& what, const setting_points& of,
                                  const setting_points& unloaded);

/// Mean wait of M/D/1 in the unit of `service`: utilisation 0 <= rho < 1, constant service time.
/// W = rho S / (2 (1 - rho)). Source: Pollaczek-Khinchine for a variance of zero.
double m_d_1_wait(double utilisation, double service);

report::page report_data(const study& what, const std::vector<stored_point>& points);

}  // namespace vtwin::scenario::study
