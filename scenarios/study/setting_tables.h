// What the tables of a study's report have in common: a row per setting, begun by its labels.
#pragma once

#include <string>
#include <vector>

#include "scenarios/report/page.h"
#include "scenarios/study/setting_points.h"

namespace vtwin::scenario::study {

constexpr double ns_per_ms = 1e6;

/// Six significant digits.
std::string number(double value);
/// A column per sweep, then `titles` for numbers.
report::table table_of(const study& what, const std::string& caption, const std::vector<std::string>& titles);
std::vector<report::cell> labels_of(const setting_points& of);

}  // namespace vtwin::scenario::study
