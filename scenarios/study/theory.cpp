#include "scenarios/study/theory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/study/setting_tables.h"

namespace vtwin::scenario::study {
namespace {

constexpr double ns_per_s = 1e9;
constexpr const char* path_parts[] = {"guest_wait", "guest",        "queue",   "ring",
                                      "vtpm",       "manager_wait", "service", "return"};

double mean(const setting_points& of, const std::string& metric) {
    return mean_of(of, metric).mean;
}

std::string percent(double part) {
    return fmt::format("{:.2f} %", 100 * part);
}

bool holds_for(const formula& what, const setting_points& of) {
    return !of.points.empty() && std::ranges::all_of(what.only, [&](const std::string& label) {
        return std::ranges::count(of.which.labels, label) != 0;
    });
}

/// What passes until an idle manager notices: medians, since with one guest hardly anybody waits for another.
double idle_wait(const setting_points& unloaded) {
    return mean(unloaded, "guest_wait.p50_ns") + mean(unloaded, "manager.wait.p50_ns");
}

double sum_of_parts(const setting_points& of) {
    double sum = 0;
    for (const char* part : path_parts)
        sum += mean(of, std::string("path.") + part + ".mean_ns");
    return sum;
}

std::optional<prediction> predict_saturation(const setting_points& of, const setting_points& unloaded) {
    const double service = service_time(unloaded), latency = mean(unloaded, "latency.mean_ns");
    if (service <= 0 || latency <= 0)
        return std::nullopt;
    return prediction{
        std::min(mean(of, "guests") / latency, 1 / service) * ns_per_s, mean(of, "throughput_per_s"), {}};
}

std::optional<prediction> predict_m_d_1(const setting_points& of, const setting_points& unloaded) {
    const double service = service_time(unloaded), idle = idle_wait(unloaded);
    std::vector<double> expected, measured;
    prediction made;
    for (const stored_point* point : of.points) {
        const auto value = [&](const char* metric) {
            const auto found = point->values.find(metric);
            return found == point->values.end() ? 0 : found->second;
        };
        const double utilisation = value("arrivals_per_s") * service / ns_per_s;
        if (service <= 0 || utilisation <= 0 || utilisation >= 1)
            return std::nullopt;
        expected.push_back(m_d_1_wait(utilisation, service) + idle);
        measured.push_back(value("guest_wait.mean_ns") + value("manager.wait.mean_ns"));
        made.differences.push_back(measured.back() - expected.back());
    }
    made.expected = estimate_of(expected).mean;
    made.measured = estimate_of(measured).mean;
    return made;
}

std::optional<prediction> predict_sum(const setting_points& of) {
    if (sum_of(of, "path.operations") == 0)
        return std::nullopt;
    return prediction{sum_of_parts(of), mean(of, "path.latency.mean_ns"), {}};
}

/// The same theory with the times of all requests as they were measured in this setting.
std::string with_all_requests(const setting_points& of, const setting_points& unloaded) {
    const double rate = mean(of, "manager.arrivals_per_s") / ns_per_s,
                 service = mean(of, "manager.service.mean_ns");
    if (rate * service >= 1)
        return "overloaded";
    const double wait = m_g_1_wait(rate, service, mean(of, "manager.service.mean_square_ns2"));
    return number((wait + idle_wait(unloaded)) / ns_per_ms);
}

std::string assumptions_of_sum(const std::vector<setting_points>& settings, const setting_points& unloaded) {
    double operations = 0, inexact = 0, largest = 0;
    for (const setting_points& each : settings) {
        operations += sum_of(each, "path.operations");
        inexact += sum_of(each, "path.inexact");
        largest = std::max(largest, largest_of(each, "path.largest_difference_ns"));
    }
    const double service = mean(unloaded, "path.service.mean_ns"), sum = sum_of_parts(unloaded);
    std::string text = fmt::format(
        "Every operation that ended well, part by part: the guest's software from its own times, its rings "
        "and "
        "the vTPM from the guest's commands, wait and service at the manager from the vTPM's own requests. ");
    text += inexact == 0 ? fmt::format(
                               "For all {:.0f} operations the parts follow each other and sum to the "
                               "latency to the nanosecond. ",
                               operations)
                         : fmt::format(
                               "For {:.0f} of {:.0f} operations they do not sum to the latency; the "
                               "largest difference is {:.0f} ns. ",
                               inexact, operations, largest);
    return text + fmt::format(
                      "With the least load the mean latency of {} ms is the manager's service of {} ms, "
                      "chip included, and {} ms in all other hops.",
                      number(mean(unloaded, "path.latency.mean_ns") / ns_per_ms), number(service / ns_per_ms),
                      number((sum - service) / ns_per_ms));
}

std::string meaning_of_s(const study& what, const setting_points& unloaded) {
    return fmt::format(
        "S = {} ms: how long the manager is busy with one request that needs the chip, median in "
        "the setting of least load ({}). ",
        number(service_time(unloaded) / ns_per_ms), label_of(what, unloaded.which));
}

std::string assumptions(const study& what, const formula& each, const std::vector<setting_points>& settings,
                        const setting_points& unloaded) {
    switch (each.which) {
        case formula::kind::saturation:
            return meaning_of_s(what, unloaded) +
                   fmt::format(
                       "1 / S = {} per s is all that a server can do that has nothing else to do. "
                       "What it does else is measured: 'S there' is the same median in the setting, "
                       "other requests than these take 'others' of the manager's time, and while it is "
                       "'idle' no request is in service. 'served' guests saw at least one operation end "
                       "well; where "
                       "they are fewer than all, the others starved until their drivers gave up (etime).",
                       number(ns_per_s / service_time(unloaded)));
        case formula::kind::m_d_1:
            return meaning_of_s(what, unloaded) +
                   fmt::format(
                       "rho = S times the rate at which operations arrive. The formula knows Poisson "
                       "arrivals, one server and S, nothing else; {} ms are added for what passes until "
                       "an idle manager notices. 'difference' is measured minus formula, seed by "
                       "seed, with its 95 % interval: one that holds 0 is chance. Where the machine "
                       "differs is measured: requests that do "
                       "not need the chip take 'others' of the manager's time; 'all requests' is the "
                       "same theory (M/G/1) with the measured times and rate of all; 'in guest' is the "
                       "part of the wait behind operations of the same guest, which takes all their "
                       "hops and not only S; 'gaps' is the variance of the gaps between arrivals at the "
                       "manager over their squared mean, 1 for Poisson arrivals.",
                       number(idle_wait(unloaded) / ns_per_ms));
        case formula::kind::sum:
            return assumptions_of_sum(settings, unloaded);
    }
    return "";
}

struct presentation {
    std::string caption;
    std::vector<std::string> titles;
};

presentation presentation_of(formula::kind which) {
    switch (which) {
        case formula::kind::saturation:
            return {
                "throughput = min(guests / unloaded latency, 1 / S) [1/s]",
                {"formula", "measured", "deviation", "S there [ms]", "others", "idle", "etime", "served"}};
        case formula::kind::m_d_1:
            return {"mean wait = rho S / (2 (1 - rho)), M/D/1 [ms]",
                    {"rho", "formula", "measured", "deviation", "difference", "all requests", "in guest",
                     "others", "gaps"}};
        case formula::kind::sum:
            return {"latency = service + all other hops, for each operation; means [ms]",
                    {"operations", "inexact", "largest difference [ns]", "service", "other hops", "latency"}};
    }
    return {};
}

using cells = std::vector<std::string>;

std::string count(double value) {
    return fmt::format("{:.0f}", value);
}

cells row_of_saturation(const prediction& found, const setting_points& of) {
    return {number(found.expected),
            number(found.measured),
            fmt::format("{:+.3f} %", 100 * found.deviation()),
            number(mean(of, "manager.chip_service.p50_ns") / ns_per_ms),
            percent(mean(of, "manager.busy_without_chip")),
            percent(1 - mean(of, "manager.busy")),
            count(sum_of(of, "etime")),
            number(mean(of, "guests_served"))};
}

cells row_of_m_d_1(const prediction& found, const setting_points& of, const setting_points& unloaded) {
    const estimate apart = estimate_of(found.differences);
    return {fmt::format("{:.4f}", mean(of, "arrivals_per_s") * service_time(unloaded) / ns_per_s),
            number(found.expected / ns_per_ms),
            number(found.measured / ns_per_ms),
            fmt::format("{:+.2f} %", 100 * found.deviation()),
            apart.count < 2
                ? "-"
                : fmt::format("{:+.3f} ± {:.3f}", apart.mean / ns_per_ms, apart.half_width / ns_per_ms),
            with_all_requests(of, unloaded),
            number(mean(of, "guest_wait.mean_ns") / ns_per_ms),
            percent(mean(of, "manager.busy_without_chip")),
            number(mean(of, "manager.variation_of_gaps"))};
}

cells row_of_sum(const prediction& found, const setting_points& of) {
    const double service = mean(of, "path.service.mean_ns");
    return {count(sum_of(of, "path.operations")),
            count(sum_of(of, "path.inexact")),
            count(largest_of(of, "path.largest_difference_ns")),
            number(service / ns_per_ms),
            number((found.expected - service) / ns_per_ms),
            number(found.measured / ns_per_ms)};
}

cells row_of(const formula& each, const prediction& found, const setting_points& of,
             const setting_points& unloaded) {
    switch (each.which) {
        case formula::kind::saturation:
            return row_of_saturation(found, of);
        case formula::kind::m_d_1:
            return row_of_m_d_1(found, of, unloaded);
        case formula::kind::sum:
            return row_of_sum(found, of);
    }
    return {};
}

}  // namespace

double prediction::deviation() const {
    return expected == 0 ? (measured == 0 ? 0 : INFINITY) : (measured - expected) / expected;
}

double service_time(const setting_points& unloaded) {
    return mean(unloaded, "manager.chip_service.p50_ns");
}

double m_d_1_wait(double utilisation, double service) {
    return utilisation * service / (2 * (1 - utilisation));
}

double m_g_1_wait(double rate, double mean, double mean_square) {
    return rate * mean_square / (2 * (1 - rate * mean));
}

std::optional<prediction> predict(const formula& what, const setting_points& of,
                                  const setting_points& unloaded) {
    if (!holds_for(what, of))
        return std::nullopt;
    switch (what.which) {
        case formula::kind::saturation:
            return predict_saturation(of, unloaded);
        case formula::kind::m_d_1:
            return predict_m_d_1(of, unloaded);
        case formula::kind::sum:
            return predict_sum(of);
    }
    return std::nullopt;
}

std::vector<report::block> compare_with_theory(const study& what, const std::vector<setting_points>& settings,
                                               const formula& each) {
    const presentation shown = presentation_of(each.which);
    report::table made = table_of(what, shown.caption, shown.titles);
    // The first setting of those that the formula is about is the one of least load.
    const auto unloaded =
        std::ranges::find_if(settings, [&](const auto& one) { return holds_for(each, one); });
    if (unloaded == settings.end())
        return {};
    for (const setting_points& setting : settings) {
        const auto found = predict(each, setting, *unloaded);
        if (!found)
            continue;
        auto row = labels_of(setting);
        for (const std::string& text : row_of(each, *found, setting, *unloaded))
            row.push_back({text});
        made.rows.push_back(std::move(row));
    }
    if (made.rows.empty())
        return {};
    return {std::move(made), report::paragraph{assumptions(what, each, settings, *unloaded)}};
}

}  // namespace vtwin::scenario::study
