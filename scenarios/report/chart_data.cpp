#include "scenarios/report/chart_data.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "scenarios/report/text.h"

namespace vtwin::scenario::report {
namespace {

using nlohmann::json;

constexpr const char* meanings[] = {"none", "good", "notice", "warning", "bad", "broken"};
constexpr const char* styles[] = {"line", "steps", "dashed", "points"};

const char* name_of(severity which) {
    return meanings[static_cast<std::size_t>(which)];
}

json names(const std::vector<std::string>& texts) {
    json made = json::array();
    for (const std::string& text : texts)
        made.push_back(printable(text));
    return made;
}

json axis_data(const axis& scale) {
    return {{"title", printable(scale.title)}, {"unit", printable(scale.unit)}, {"log", scale.logarithmic}};
}

bool drawable(double value, const axis& scale) {
    return std::isfinite(value) && (!scale.logarithmic || value > 0);
}

/// [x, y] or [x, y, low, high].
json point_data(const point& value, const axis& scale) {
    json made = {value.x, value.y};
    if (!value.low || !value.high || !std::isfinite(*value.low) || !std::isfinite(*value.high))
        return made;
    if (!drawable(*value.high, scale))
        return made;
    // A bar that leaves a logarithmic axis below ends at the axis: null.
    made.push_back(drawable(*value.low, scale) ? json(*value.low) : json());
    made.push_back(*value.high);
    return made;
}

}  // namespace

json chart_data(const heat_map& chart) {
    json counts = json::array(), colours = json::array();
    for (std::size_t row = 0; row < std::min(chart.rows.size(), chart.counts.size()); ++row)
        counts.push_back(chart.counts[row]);
    for (const severity each : chart.column_meanings)
        colours.push_back(name_of(each));
    return {{"kind", "heat_map"},
            {"rows", names(chart.rows)},
            {"columns", names(chart.columns)},
            {"meanings", std::move(colours)},
            {"counts", std::move(counts)}};
}

json chart_data(const interval_plot& chart) {
    json made = {{"kind", "intervals"}, {"scale", axis_data(chart.scale)}, {"intervals", json::array()}};
    for (const interval& each : chart.intervals) {
        const auto value = [&](double number) {
            return drawable(number, chart.scale) ? json(number) : json();
        };
        made["intervals"].push_back({{"label", printable(each.label)},
                                     {"point", value(each.point)},
                                     {"low", value(each.low)},
                                     {"high", value(each.high)},
                                     {"note", printable(each.note)},
                                     {"meaning", name_of(each.meaning)}});
    }
    if (chart.reference && drawable(*chart.reference, chart.scale))
        made["reference"] = {{"label", printable(chart.reference_label)}, {"value", *chart.reference}};
    return made;
}

json chart_data(const line_chart& chart) {
    json made = {{"kind", "lines"},
                 {"x", axis_data(chart.x)},
                 {"y", axis_data(chart.y)},
                 {"curves", json::array()},
                 {"marks", json::array()}};
    for (const series& curve : chart.curves) {
        json points = json::array();
        for (const point& each : curve.points)
            if (drawable(each.x, chart.x) && drawable(each.y, chart.y))
                points.push_back(point_data(each, chart.y));
        made["curves"].push_back({{"name", printable(curve.name)},
                                  {"style", styles[static_cast<std::size_t>(curve.style)]},
                                  {"points", std::move(points)}});
    }
    for (const mark& each : chart.marks)
        if (drawable(each.value, each.on_x ? chart.x : chart.y))
            made["marks"].push_back(
                {{"label", printable(each.label)}, {"value", each.value}, {"on_x", each.on_x}});
    return made;
}

json chart_data(const stacked_bars& chart) {
    json made = {{"kind", "bars"},
                 {"scale", axis_data(chart.scale)},
                 {"bars", names(chart.bars)},
                 {"segments", json::array()}};
    for (const segment& part : chart.segments) {
        json lengths = json::array();
        for (std::size_t bar = 0; bar < chart.bars.size(); ++bar) {
            const bool known = bar < part.lengths.size() && std::isfinite(part.lengths[bar]);
            lengths.push_back(known ? json(part.lengths[bar]) : json());
        }
        made["segments"].push_back({{"name", printable(part.name)}, {"lengths", std::move(lengths)}});
    }
    return made;
}

json chart_data(const histogram& chart) {
    json made = {{"kind", "histogram"}, {"scale", axis_data(chart.scale)}, {"bins", json::array()}};
    for (const bin& each : chart.bins)
        if (drawable(each.low, chart.scale) && drawable(each.high, chart.scale))
            made["bins"].push_back({each.low, each.high, each.count});
    return made;
}

std::string embedded(const json& data) {
    std::string made;
    for (const char each : data.dump(-1, ' ', true, json::error_handler_t::replace)) {
        if (each == '<')
            made += "\\u003c";
        else
            made += each;
    }
    return made;
}

}  // namespace vtwin::scenario::report
