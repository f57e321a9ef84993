// A study's figures as a page: tables with confidence intervals, curves, distributions, where the time went,
// and theory beside measurement.
#pragma once

#include <vector>

#include "scenarios/report/page.h"
#include "scenarios/study/results.h"
#include "scenarios/study/study.h"

namespace vtwin::scenario::study {

report::page report_data(const study& what, const std::vector<stored_point>& points);

}  // namespace vtwin::scenario::study
