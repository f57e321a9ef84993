// The figures behind each chart as a table: for the terminal, for readers without pictures, for copying.
#pragma once

#include "scenarios/report/page.h"

namespace vtwin::scenario::report {

table table_of(const heat_map& chart);
table table_of(const interval_plot& chart);
/// Distributions (all curves are steps): 50, 90, 95, 99 % and the largest value of each. Other curves: a row
/// per x, or about `rows` evenly chosen ones of them.
table table_of(const line_chart& chart, std::size_t rows = 40);
table table_of(const stacked_bars& chart);
table table_of(const histogram& chart);

/// "title [unit]".
std::string title_of(const axis& scale);

}  // namespace vtwin::scenario::report
