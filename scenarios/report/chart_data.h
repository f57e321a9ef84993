// Charts as the JSON that page.js draws: plain data, no instructions, nothing that is not a finite number.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "scenarios/report/page.h"

namespace vtwin::scenario::report {

nlohmann::json chart_data(const heat_map& chart);
nlohmann::json chart_data(const interval_plot& chart);
nlohmann::json chart_data(const line_chart& chart);
nlohmann::json chart_data(const stacked_bars& chart);
nlohmann::json chart_data(const histogram& chart);

/// One line that can stand inside a script element: no "<", and ASCII only.
std::string embedded(const nlohmann::json& data);

}  // namespace vtwin::scenario::report
