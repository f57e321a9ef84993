// Theory beside measurement: what formulas say about a setting, and the measured quantities in which the
// machine differs from what they assume.
#pragma once

#include <optional>
#include <vector>

#include "scenarios/report/page.h"
#include "scenarios/study/setting_points.h"

namespace vtwin::scenario::study {

/// What a formula says and what was measured, in the unit of its metric.
struct prediction {
    double expected = 0, measured = 0;
    std::vector<double>
        differences;  ///< measured - expected by seed, where the formula is taken seed by seed
    /// (measured - expected) / expected; 0 when both are 0.
    double deviation() const;
};

/// S of the formulas: how long the manager is busy with one request that needs the chip when nobody else is
/// in its way: the median in the setting of least load, `unloaded`. The median, because the manager serves
/// other requests as well, and a mean over all of them is nobody's service time. 0 when nothing was measured.
double service_time(const setting_points& unloaded);

/// Nothing when the formula does not hold for the setting, by its labels, or because figures are missing or
/// the server is overloaded. Nothing but the rate of arrivals is taken from the setting itself.
std::optional<prediction> predict(const formula& what, const setting_points& of,
                                  const setting_points& unloaded);

/// Mean wait of M/D/1 in the unit of `service`: utilisation 0 <= rho < 1, constant service time.
/// W = rho S / (2 (1 - rho)). Source: Pollaczek-Khinchine for a variance of zero.
double m_d_1_wait(double utilisation, double service);
/// Mean wait of M/G/1: `rate` per unit of time, mean and mean square of the service times; rate * mean < 1.
/// W = rate E[s²] / (2 (1 - rate E[s])). Source: Pollaczek-Khinchine.
double m_g_1_wait(double rate, double mean, double mean_square);

/// What the formula assumes, and a table of the settings for which it holds; nothing when there are none.
std::vector<report::block> compare_with_theory(const study& what, const std::vector<setting_points>& settings,
                                               const formula& each);

}  // namespace vtwin::scenario::study
