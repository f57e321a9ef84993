#include "scenarios/report/chart_tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "scenarios/report/text.h"

namespace vtwin::scenario::report {
namespace {

column number_column(std::string title) {
    return {std::move(title), alignment::right};
}

bool all_steps(const line_chart& chart) {
    return std::all_of(chart.curves.begin(), chart.curves.end(),
                       [](const series& curve) { return curve.style == line_style::steps; });
}

/// The smallest x at which the steps reach `share`.
double quantile(const series& steps, double share) {
    const auto found = std::find_if(steps.points.begin(), steps.points.end(),
                                    [&](const point& each) { return each.y >= share; });
    return found == steps.points.end() ? std::nan("") : found->x;
}

table quantile_table(const line_chart& chart) {
    constexpr std::array<double, 4> shares = {0.5, 0.9, 0.95, 0.99};
    const std::string unit = chart.x.unit.empty() ? "" : " [" + chart.x.unit + "]";
    table made{"", {{chart.x.title, alignment::left}}, {}};
    for (const double share : shares)
        made.columns.push_back(number_column(number_text(share * 100) + " %" + unit));
    made.columns.push_back(number_column("largest" + unit));
    for (const series& curve : chart.curves) {
        std::vector<cell> row = {{curve.name}};
        for (const double share : shares)
            row.push_back({number_text(quantile(curve, share))});
        row.push_back({curve.points.empty() ? "–" : number_text(curve.points.back().x)});
        made.rows.push_back(std::move(row));
    }
    return made;
}

/// All x in order, or about `rows` of them, the first and the last included.
std::vector<double> chosen_places(const line_chart& chart, std::size_t rows) {
    std::set<double> places;
    for (const series& curve : chart.curves)
        for (const point& each : curve.points)
            if (std::isfinite(each.x))
                places.insert(each.x);
    std::vector<double> all(places.begin(), places.end());
    rows = std::max<std::size_t>(rows, 2);
    if (all.size() <= rows)
        return all;
    std::vector<double> chosen;
    for (std::size_t index = 0; index < rows; ++index)
        chosen.push_back(all[index * (all.size() - 1) / (rows - 1)]);
    return chosen;
}

std::string value_text(const point& value) {
    std::string text = number_text(value.y);
    if (value.low && value.high)
        text += " (" + number_text(*value.low) + " to " + number_text(*value.high) + ")";
    return text;
}

}  // namespace

std::string title_of(const axis& scale) {
    return scale.unit.empty() ? scale.title : scale.title + " [" + scale.unit + "]";
}

table table_of(const heat_map& chart) {
    table made{"", {{"", alignment::left}}, {}};
    for (const std::string& title : chart.columns)
        made.columns.push_back(number_column(title));
    for (std::size_t row = 0; row < chart.rows.size(); ++row) {
        std::vector<cell> cells = {{chart.rows[row]}};
        for (std::size_t place = 0; place < chart.columns.size(); ++place) {
            const bool known = row < chart.counts.size() && place < chart.counts[row].size();
            const std::uint64_t count = known ? chart.counts[row][place] : 0;
            const bool coloured = count != 0 && place < chart.column_meanings.size();
            cells.push_back({count ? std::to_string(count) : "·",
                             coloured ? chart.column_meanings[place] : severity::none});
        }
        made.rows.push_back(std::move(cells));
    }
    return made;
}

table table_of(const interval_plot& chart) {
    table made{"",
               {{"", alignment::left},
                number_column(title_of(chart.scale)),
                number_column("low"),
                number_column("high"),
                {"", alignment::left}},
               {}};
    for (const interval& each : chart.intervals)
        made.rows.push_back({{each.label},
                             {number_text(each.point), each.meaning},
                             {number_text(each.low)},
                             {number_text(each.high)},
                             {each.note}});
    return made;
}

table table_of(const line_chart& chart, std::size_t rows) {
    if (all_steps(chart))
        return quantile_table(chart);
    table made{"", {number_column(title_of(chart.x))}, {}};
    for (const series& curve : chart.curves)
        made.columns.push_back(
            number_column(chart.curves.size() == 1 && curve.name.empty() ? title_of(chart.y) : curve.name));
    for (const double place : chosen_places(chart, rows)) {
        std::vector<cell> row = {{number_text(place)}};
        for (const series& curve : chart.curves) {
            const auto found = std::find_if(curve.points.begin(), curve.points.end(),
                                            [&](const point& each) { return each.x == place; });
            row.push_back({found == curve.points.end() ? "" : value_text(*found)});
        }
        made.rows.push_back(std::move(row));
    }
    return made;
}

table table_of(const stacked_bars& chart) {
    const std::string unit = chart.scale.unit.empty() ? "" : " [" + chart.scale.unit + "]";
    table made{"", {{"", alignment::left}}, {}};
    for (const segment& part : chart.segments)
        made.columns.push_back(number_column(part.name + unit));
    made.columns.push_back(number_column("sum" + unit));
    for (std::size_t bar = 0; bar < chart.bars.size(); ++bar) {
        std::vector<cell> row = {{chart.bars[bar]}};
        double sum = 0;
        for (const segment& part : chart.segments) {
            const double length = bar < part.lengths.size() ? part.lengths[bar] : 0;
            if (std::isfinite(length))
                sum += length;
            row.push_back({number_text(length)});
        }
        row.push_back({number_text(sum)});
        made.rows.push_back(std::move(row));
    }
    return made;
}

table table_of(const histogram& chart) {
    table made{"",
               {number_column("from " + title_of(chart.scale)), number_column("to"), number_column("count")},
               {}};
    for (const bin& each : chart.bins)
        made.rows.push_back(
            {{number_text(each.low)}, {number_text(each.high)}, {std::to_string(each.count)}});
    return made;
}

}  // namespace vtwin::scenario::report
