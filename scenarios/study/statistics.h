// Means over replications and how far to trust them.
#pragma once

#include <cstddef>
#include <vector>

namespace vtwin::scenario::study {

/// A mean with the half width of its 95 % confidence interval.
struct estimate {
    std::size_t count = 0;
    double mean = 0;
    double half_width = 0;  ///< 0 with fewer than two samples: nothing is known then
};

/// Student's t with count - 1 degrees of freedom; samples are taken to be independent and nearly normal.
estimate estimate_of(const std::vector<double>& samples);

/// Two-sided 95 % quantile of Student's t, three decimals. Source: any table of the distribution, e.g.
/// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2. Between tabulated values the one of fewer
/// degrees of freedom, which errs to the safe side.
double student_t_95(std::size_t degrees_of_freedom);

}  // namespace vtwin::scenario::study
