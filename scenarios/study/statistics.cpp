#include "scenarios/study/statistics.h"

#include <systemc>

#include <cmath>
#include <iterator>
#include <numeric>

namespace vtwin::scenario::study {

double student_t_95(std::size_t degrees_of_freedom) {
    sc_assert(degrees_of_freedom > 0);
    constexpr double first[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
    if (degrees_of_freedom <= std::size(first))
        return first[degrees_of_freedom - 1];
    return degrees_of_freedom < 40    ? 2.042
           : degrees_of_freedom < 60  ? 2.021
           : degrees_of_freedom < 120 ? 2.000
                                      : 1.980;
}

estimate estimate_of(const std::vector<double>& samples) {
    estimate result;
    result.count = samples.size();
    if (samples.empty())
        return result;
    const auto count = static_cast<double>(samples.size());
    result.mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
    if (samples.size() < 2)
        return result;
    double squares = 0;
    for (const double each : samples)
        squares += (each - result.mean) * (each - result.mean);
    result.half_width = student_t_95(samples.size() - 1) * std::sqrt(squares / (count - 1) / count);
    return result;
}

}  // namespace vtwin::scenario::study
