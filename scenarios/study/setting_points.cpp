#include "scenarios/study/setting_points.h"

#include <algorithm>

namespace vtwin::scenario::study {
namespace {

std::vector<double> samples_of(const setting_points& of, const std::string& metric) {
    std::vector<double> samples;
    for (const stored_point* point : of.points)
        if (const auto found = point->values.find(metric); found != point->values.end())
            samples.push_back(found->second);
    return samples;
}

}  // namespace

std::vector<setting_points> by_setting(const study& what, const std::vector<stored_point>& points) {
    std::vector<setting_points> made;
    for (setting& each : settings_of(what))
        made.push_back({std::move(each), {}, 0});
    for (const stored_point& point : points) {
        if (point.problem.empty())
            made.at(point.setting).points.push_back(&point);
        else
            ++made.at(point.setting).failed;
    }
    return made;
}

estimate mean_of(const setting_points& of, const std::string& metric) {
    return estimate_of(samples_of(of, metric));
}

double sum_of(const setting_points& of, const std::string& metric) {
    double sum = 0;
    for (const double each : samples_of(of, metric))
        sum += each;
    return sum;
}

double largest_of(const setting_points& of, const std::string& metric) {
    double largest = 0;
    for (const double each : samples_of(of, metric))
        largest = std::max(largest, each);
    return largest;
}

estimate difference(const setting_points& of, const setting_points& reference, const std::string& metric) {
    std::vector<double> samples;
    for (const stored_point* point : of.points) {
        const auto other = std::ranges::find(reference.points, point->seed, &stored_point::seed);
        if (other == reference.points.end())
            continue;
        const auto mine = point->values.find(metric), theirs = (*other)->values.find(metric);
        if (mine != point->values.end() && theirs != (*other)->values.end())
            samples.push_back(mine->second - theirs->second);
    }
    return estimate_of(samples);
}

}  // namespace vtwin::scenario::study
