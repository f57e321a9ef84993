#include "scenarios/study/metrics.h"

#include <systemc>

#include <algorithm>
#include <numeric>
#include <utility>

namespace vtwin::scenario::study {
namespace {

using samples = std::vector<std::uint64_t>;
using trace::latency_row;

constexpr double nanoseconds_per_second = 1e9;
constexpr unsigned percentiles[] = {50, 90, 95, 99};

constexpr std::pair<const char*, std::uint64_t latency_row::*> hops[] = {
    {"queue", &latency_row::queue}, {"ring", &latency_row::ring},       {"backend", &latency_row::backend},
    {"save", &latency_row::save},   {"manager", &latency_row::manager}, {"bus", &latency_row::bus},
    {"chip", &latency_row::chip},   {"return", &latency_row::back}};

bool inside(const observations& seen, std::uint64_t at) {
    return at >= seen.begin && at < seen.end;
}

double quotient(std::uint64_t part, std::uint64_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
}

double per_second(std::uint64_t count, const observations& seen) {
    return static_cast<double>(count) * nanoseconds_per_second / static_cast<double>(seen.end - seen.begin);
}

void summarise(metrics& out, const std::string& name, samples values) {
    if (values.empty())
        return;
    std::ranges::sort(values);
    const std::uint64_t sum = std::accumulate(values.begin(), values.end(), std::uint64_t{0});
    out[name + ".mean_ns"] = quotient(sum, values.size());
    for (const unsigned percent : percentiles)
        out[name + ".p" + std::to_string(percent) + "_ns"] = static_cast<double>(percentile(values, percent));
    out[name + ".max_ns"] = static_cast<double>(values.back());
}

/// Rows of each guest's commands, by the time at which they were issued.
std::map<std::string, std::vector<const latency_row*>> rows_by_origin(const observations& seen) {
    std::map<std::string, std::vector<const latency_row*>> by_origin;
    for (const latency_row& row : seen.rows)
        by_origin[row.origin].push_back(&row);
    return by_origin;
}

void measure_operations(const observations& seen, metrics& out) {
    samples latency, wait;
    std::uint64_t ended = 0, failed = 0, etime = 0, late = 0;
    for (const guest_operation& each : seen.operations) {
        ended += each.ok && inside(seen, each.ended) ? 1 : 0;
        if (!inside(seen, each.arrived))
            continue;
        latency.push_back(each.ended - each.arrived);
        wait.push_back(each.started - each.arrived);
        failed += each.ok ? 0 : 1;
        etime += each.timed_out ? 1 : 0;
        late += each.deadline != 0 && latency.back() > each.deadline ? 1 : 0;
    }
    out["guests"] = static_cast<double>(seen.loads);
    out["operations"] = static_cast<double>(latency.size());
    out["throughput_per_s"] = per_second(ended, seen);
    out["failed"] = static_cast<double>(failed);
    out["etime"] = static_cast<double>(etime);
    out["deadline_misses"] = static_cast<double>(late);
    summarise(out, "latency", std::move(latency));
    summarise(out, "guest_wait", std::move(wait));
}

/// Each operation's commands lie between its start and its end.
void measure_hops(const observations& seen, metrics& out) {
    const auto by_origin = rows_by_origin(seen);
    std::map<std::string, samples> values;
    for (const guest_operation& each : seen.operations) {
        const auto found = by_origin.find(each.guest);
        if (!inside(seen, each.arrived) || found == by_origin.end())
            continue;
        const auto& rows = found->second;
        const auto first = std::ranges::lower_bound(rows, each.started, {}, &latency_row::time_ns);
        const auto last = std::ranges::lower_bound(first, rows.end(), std::max(each.ended, each.started + 1),
                                                   {}, &latency_row::time_ns);
        if (first == last)
            continue;
        std::uint64_t in_commands = 0;
        for (auto row = first; row != last; ++row)
            in_commands += (*row)->total;
        const std::uint64_t whole = each.ended - each.started;
        values["guest"].push_back(whole > in_commands ? whole - in_commands : 0);
        for (const auto& [name, member] : hops) {
            std::uint64_t sum = 0;
            for (auto row = first; row != last; ++row)
                sum += (*row)->*member;
            values[name].push_back(sum);
        }
    }
    for (auto& [name, each] : values)
        summarise(out, "hop." + name, std::move(each));
}

/// How many requests wait, over time: +1 when submitted, -1 when served.
struct queue_length {
    double mean = 0;
    std::uint64_t max = 0;
};
queue_length length_of_queue(const observations& seen, std::vector<std::pair<std::uint64_t, int>> changes) {
    // One that leaves as another comes makes no longer queue: -1 sorts before +1.
    std::ranges::sort(changes);
    std::uint64_t area = 0, since = seen.begin, most = 0;
    std::int64_t waiting = 0;
    for (const auto& [at, step] : changes) {
        const std::uint64_t now = std::clamp(at, seen.begin, seen.end);
        area += static_cast<std::uint64_t>(waiting) * (now - since);
        if (now > since)
            most = std::max(most, static_cast<std::uint64_t>(waiting));
        since = now;
        waiting += step;
    }
    return {quotient(area, seen.end - seen.begin), most};
}

void measure_manager(const observations& seen, metrics& out) {
    samples wait, service;
    std::vector<std::pair<std::uint64_t, int>> changes;
    std::uint64_t ended = 0;
    for (const latency_row& row : seen.rows) {
        if (!seen.vtpms.contains(row.origin))
            continue;
        const std::uint64_t submitted = row.time_ns + row.queue, served = submitted + row.ring;
        if (row.ring != 0) {
            changes.emplace_back(submitted, 1);
            changes.emplace_back(served, -1);
        }
        ended += inside(seen, row.time_ns + row.total - row.back) ? 1 : 0;
        if (!inside(seen, submitted))
            continue;
        wait.push_back(row.ring);
        service.push_back(row.total - row.queue - row.ring - row.back);
    }
    // Those that starve count for the queue to its end.
    for (const latency_row& row : seen.unanswered)
        if (seen.vtpms.contains(row.origin)) {
            changes.emplace_back(row.time_ns, 1);
            changes.emplace_back(UINT64_MAX, -1);
        }
    out["manager.requests"] = static_cast<double>(wait.size());
    out["manager.throughput_per_s"] = per_second(ended, seen);
    const queue_length queue = length_of_queue(seen, std::move(changes));
    out["manager.queue_mean"] = queue.mean;
    out["manager.queue_max"] = static_cast<double>(queue.max);
    summarise(out, "manager.wait", std::move(wait));
    summarise(out, "manager.service", std::move(service));
}

void measure_utilisation(const observations& seen, metrics& out) {
    for (const auto& [part, spans] : seen.busy) {
        std::uint64_t busy = 0;
        for (const busy_span& span : spans) {
            const std::uint64_t begin = std::max(span.begin, seen.begin), end = std::min(span.end, seen.end);
            busy += end > begin ? end - begin : 0;
        }
        out["utilisation." + part] = quotient(busy, seen.end - seen.begin);
    }
}

}  // namespace

std::uint64_t percentile(const std::vector<std::uint64_t>& sorted, unsigned percent) {
    sc_assert(!sorted.empty() && percent <= 100);
    const std::size_t rank = (sorted.size() * percent + 99) / 100;
    return sorted[rank == 0 ? 0 : rank - 1];
}

std::vector<std::uint64_t> latencies(const observations& seen) {
    samples values;
    for (const guest_operation& each : seen.operations)
        if (inside(seen, each.arrived))
            values.push_back(each.ended - each.arrived);
    std::ranges::sort(values);
    return values;
}

metrics measure(const observations& seen) {
    sc_assert(seen.end > seen.begin);
    metrics out;
    measure_operations(seen, out);
    measure_hops(seen, out);
    measure_manager(seen, out);
    measure_utilisation(seen, out);
    return out;
}

}  // namespace vtwin::scenario::study
