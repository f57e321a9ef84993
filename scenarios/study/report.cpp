#include "scenarios/study/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "scenarios/schema/units.h"
#include "scenarios/study/setting_points.h"
#include "scenarios/study/setting_tables.h"
#include "scenarios/study/theory.h"
#include "traces/latency_table.h"

namespace vtwin::scenario::study {
namespace {

using report::alignment;

constexpr std::size_t distinct_colours = 10;  // of a chart; more curves than that are hard to tell apart

bool in_nanoseconds(const std::string& metric) {
    return metric.ends_with("_ns");
}
/// Metrics in nanoseconds are shown in milliseconds.
double shown(const std::string& metric, double value) {
    return in_nanoseconds(metric) ? value / ns_per_ms : value;
}
std::string title_of(const std::string& metric) {
    return in_nanoseconds(metric) ? metric.substr(0, metric.size() - 3) + " [ms]" : metric;
}
std::string text_of(const estimate& what, const std::string& metric) {
    if (what.count == 0)
        return "-";
    const std::string mean = number(shown(metric, what.mean));
    constexpr double rounding = 1e-12;
    const double half = what.half_width > rounding * std::abs(what.mean) ? what.half_width : 0;
    return what.count < 2 ? mean : fmt::format("{} ± {:.2g}", mean, shown(metric, half));
}

/// A label as a number, in seconds when it is a time.
std::optional<double> numeric(const std::string& label) {
    if (const auto time = parse_time(label))
        return static_cast<double>(*time) / 1e12;
    double value = 0;
    const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
    return error == std::errc() && end == label.data() + label.size() ? std::optional(value) : std::nullopt;
}

/// The sweep that makes a good x axis: the longest whose labels are all numbers.
std::optional<std::size_t> x_axis(const study& what) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < what.sweeps.size(); ++i) {
        const auto& labels = what.sweeps[i].labels;
        const bool numbers =
            std::ranges::all_of(labels, [](const auto& label) { return numeric(label).has_value(); });
        if (numbers && labels.size() > 1 && (!best || labels.size() > what.sweeps[*best].labels.size()))
            best = i;
    }
    return best;
}

std::string other_labels(const study& what, const setting& which, std::size_t without) {
    std::string text;
    for (std::size_t i = 0; i < which.labels.size(); ++i)
        if (i != without)
            text += (text.empty() ? "" : ", ") + what.sweeps[i].name + '=' + which.labels[i];
    return text;
}

report::table figures(const study& what, const std::vector<setting_points>& settings) {
    std::vector<std::string> titles{"runs"};
    for (const std::string& metric : what.metrics)
        titles.push_back(title_of(metric));
    report::table made =
        table_of(what,
                 what.replications > 1 ? "Means over the replications, with 95 % confidence intervals"
                                       : "One run of each setting",
                 titles);
    for (const setting_points& each : settings) {
        auto row = labels_of(each);
        row.push_back({each.failed == 0 ? std::to_string(each.points.size())
                                        : fmt::format("{}, {} failed", each.points.size(), each.failed),
                       each.failed == 0 ? report::severity::none : report::severity::bad});
        for (const std::string& metric : what.metrics)
            row.push_back({text_of(mean_of(each, metric), metric)});
        made.rows.push_back(std::move(row));
    }
    return made;
}

report::table differences(const study& what, const std::vector<setting_points>& settings) {
    std::vector<std::string> titles;
    for (const std::string& metric : what.metrics)
        titles.push_back(title_of(metric));
    report::table made =
        table_of(what,
                 what.replications > 1
                     ? "Differences from the first setting, seed by seed, with 95 % confidence intervals"
                     : "Differences from the first setting",
                 titles);
    for (std::size_t i = 1; i < settings.size(); ++i) {
        auto row = labels_of(settings[i]);
        for (const std::string& metric : what.metrics)
            row.push_back({text_of(difference(settings[i], settings[0], metric), metric)});
        made.rows.push_back(std::move(row));
    }
    return made;
}

report::line_chart curve(const study& what, const std::vector<setting_points>& settings, std::size_t axis,
                         const std::vector<std::string>& metrics, const std::string& caption,
                         const std::string& unit) {
    report::line_chart chart;
    chart.caption = caption;
    const bool times = parse_time(what.sweeps[axis].labels.front()).has_value();
    chart.x = {what.sweeps[axis].name, times ? "s" : "", false};
    const auto [least, most] = std::ranges::minmax(what.sweeps[axis].labels, {},
                                                   [](const std::string& label) { return *numeric(label); });
    constexpr double wide = 16;  // from here on the small values would lie on top of each other
    chart.x.logarithmic = *numeric(least) > 0 && *numeric(most) >= wide * *numeric(least);
    chart.y = {caption, unit, false};
    for (const std::string& metric : metrics) {
        std::map<std::string, report::series> curves;
        std::vector<std::string> order;
        for (const setting_points& each : settings) {
            const estimate value = mean_of(each, metric);
            if (value.count == 0)
                continue;
            const std::string rest = other_labels(what, each.which, axis);
            const std::string name = metrics.size() == 1 ? (rest.empty() ? caption : rest)
                                                         : metric + (rest.empty() ? "" : ", " + rest);
            if (!curves.contains(name))
                order.push_back(name);
            report::point point{*numeric(each.which.labels[axis]), shown(metric, value.mean)};
            if (value.count > 1) {
                point.low = shown(metric, value.mean - value.half_width);
                point.high = shown(metric, value.mean + value.half_width);
            }
            curves[name].name = name;
            curves[name].points.push_back(point);
        }
        for (const std::string& name : order) {
            std::ranges::sort(curves[name].points, {}, &report::point::x);
            chart.curves.push_back(std::move(curves[name]));
        }
    }
    return chart;
}

report::line_chart distributions(const study& what, const std::vector<setting_points>& settings) {
    report::line_chart chart;
    chart.caption = "Distribution of the latency, all replications together";
    chart.x = {"latency", "ms", true};
    chart.y = {"share of operations", "", false};
    for (const setting_points& each : settings) {
        std::vector<double> values;
        for (const stored_point* point : each.points)
            for (const double value : point->quantiles)
                values.push_back(value / ns_per_ms);
        if (!values.empty())
            chart.curves.push_back(report::distribution(label_of(what, each.which), std::move(values)));
    }
    return chart;
}

report::stacked_bars waterfall(const study& what, const std::vector<setting_points>& settings) {
    report::stacked_bars chart;
    chart.caption = "Where the time of an operation goes, mean";
    chart.scale = {"time", "ms", false};
    std::vector<std::pair<std::string, std::string>> parts{{"wait in guest", "guest_wait.mean_ns"}};
    for (const auto& [hop, member] : trace::latency_hops)
        parts.emplace_back(hop, std::string("hop.") + hop + ".mean_ns");
    parts.emplace_back("guest's software", "hop.guest.mean_ns");
    for (const auto& [title, metric] : parts)
        chart.segments.push_back({title, {}});
    for (const setting_points& each : settings) {
        if (mean_of(each, "latency.mean_ns").count == 0)
            continue;
        chart.bars.push_back(label_of(what, each.which));
        for (std::size_t i = 0; i < parts.size(); ++i)
            chart.segments[i].lengths.push_back(mean_of(each, parts[i].second).mean / ns_per_ms);
    }
    return chart;
}

/// Settings that share a chart: all, or, when these are too many for the eye, those that differ only on the x
/// axis.
struct setting_group {
    std::string name;  ///< what its settings share; "" for all
    std::vector<setting_points> settings;
};
std::vector<setting_group> groups_of(const study& what, const std::vector<setting_points>& settings,
                                     std::optional<std::size_t> axis) {
    if (!axis || settings.size() <= distinct_colours)
        return {{"", settings}};
    std::vector<setting_group> groups;
    for (const setting_points& each : settings) {
        const std::string name = other_labels(what, each.which, *axis);
        auto found = std::ranges::find(groups, name, &setting_group::name);
        if (found == groups.end())
            found = groups.insert(groups.end(), {name, {}});
        found->settings.push_back(each);
    }
    return groups;
}

std::string with_group(const std::string& caption, const setting_group& group) {
    return group.name.empty() ? caption : caption + " (" + group.name + ')';
}

std::string without_unit(const std::string& metric) {
    return in_nanoseconds(metric) ? metric.substr(0, metric.size() - 3) : metric;
}

/// Of all parts together, or of each that is not among the metrics when these would be too many curves.
void add_utilisation(report::section& section, const study& what, const std::vector<setting_points>& settings,
                     const std::vector<stored_point>& points, std::size_t axis) {
    std::set<std::string> parts;
    for (const stored_point& point : points)
        for (const auto& [name, value] : point.values)
            if (name.starts_with("utilisation."))
                parts.insert(name);
    const std::size_t curves_of_part = settings.size() / what.sweeps[axis].labels.size();
    if (parts.size() * curves_of_part <= distinct_colours) {
        section.blocks.emplace_back(
            curve(what, settings, axis, {parts.begin(), parts.end()}, "utilisation", ""));
        return;
    }
    for (const std::string& part : parts)
        if (std::ranges::find(what.metrics, part) == what.metrics.end())
            section.blocks.emplace_back(curve(what, settings, axis, {part}, part, ""));
}

report::section curves_section(const study& what, const std::vector<setting_points>& settings,
                               const std::vector<stored_point>& points) {
    report::section section{"Curves", {}};
    const auto axis = x_axis(what);
    if (axis) {
        for (const std::string& metric : what.metrics)
            section.blocks.emplace_back(curve(what, settings, *axis, {metric}, without_unit(metric),
                                              in_nanoseconds(metric) ? "ms" : ""));
        add_utilisation(section, what, settings, points, *axis);
    }
    const auto groups = groups_of(what, settings, axis);
    for (const setting_group& group : groups) {
        auto chart = distributions(what, group.settings);
        chart.caption = with_group(chart.caption, group);
        section.blocks.emplace_back(std::move(chart));
    }
    for (const setting_group& group : groups) {
        auto chart = waterfall(what, group.settings);
        chart.caption = with_group(chart.caption, group);
        section.blocks.emplace_back(std::move(chart));
    }
    return section;
}

report::section problems_section(const study& what, const std::vector<stored_point>& points) {
    report::table table;
    table.caption = "Runs without figures";
    table.columns = {{"setting"}, {"seed", alignment::right}, {"why"}};
    const auto settings = settings_of(what);
    for (const stored_point& point : points)
        if (!point.problem.empty())
            table.rows.push_back({{label_of(what, settings.at(point.setting))},
                                  {std::to_string(point.seed)},
                                  {point.problem, report::severity::bad}});
    return {"Problems", {std::move(table)}};
}

}  // namespace

report::page report_data(const study& what, const std::vector<stored_point>& points) {
    const auto settings = by_setting(what, points);
    report::page page;
    page.title = what.title;
    page.subtitle = {
        what.description,
        fmt::format("{} settings, {} seeds each from {}; {} of {} runs are there", settings.size(),
                    what.replications, what.first_seed, points.size(), settings.size() * what.replications)};
    page.sections.push_back({"Figures", {figures(what, settings)}});
    if (settings.size() > 1)
        page.sections.back().blocks.emplace_back(differences(what, settings));
    if (!what.formulas.empty()) {
        page.sections.push_back({"Theory", {}});
        for (const formula& each : what.formulas)
            for (report::block& block : compare_with_theory(what, settings, each))
                page.sections.back().blocks.push_back(std::move(block));
    }
    page.sections.push_back(curves_section(what, settings, points));
    if (std::ranges::any_of(points, [](const auto& point) { return !point.problem.empty(); }))
        page.sections.push_back(problems_section(what, points));
    return page;
}

}  // namespace vtwin::scenario::study
