#include "scenarios/study/metrics.h"

#include <systemc>

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "scenarios/study/operation_path.h"

namespace vtwin::scenario::study {
namespace {

using trace::latency_row;

constexpr double nanoseconds_per_second = 1e9;
constexpr unsigned percentiles[] = {50, 90, 95, 99};

bool inside(const observations& seen, std::uint64_t at) {
    return at >= seen.begin && at < seen.end;
}

double quotient(std::uint64_t part, std::uint64_t whole) {
    return static_cast<double>(part) / static_cast<double>(whole);
}

double per_second(std::uint64_t count, const observations& seen) {
    return static_cast<double>(count) * nanoseconds_per_second / static_cast<double>(seen.end - seen.begin);
}

void measure_operations(const observations& seen, metrics& out) {
    samples latency, wait;
    std::uint64_t ended = 0, failed = 0, etime = 0, late = 0;
    std::set<std::string_view> served;
    for (const guest_operation& each : seen.operations) {
        if (each.ok && inside(seen, each.ended))
            served.insert(each.guest);
        ended += each.ok && inside(seen, each.ended) ? 1 : 0;
        if (!inside(seen, each.arrived))
            continue;
        latency.push_back(each.ended - each.arrived);
        wait.push_back(each.started - each.arrived);
        failed += each.ok ? 0 : 1;
        etime += each.timed_out ? 1 : 0;
        late += each.deadline != 0 && latency.back() > each.deadline ? 1 : 0;
    }
    out["arrivals_per_s"] = per_second(latency.size(), seen);
    out["guests"] = static_cast<double>(seen.loads);
    out["guests_served"] = static_cast<double>(served.size());
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
    const rows_by_origin by_origin(seen.rows);
    std::map<std::string, samples> values;
    for (const guest_operation& each : seen.operations) {
        if (!inside(seen, each.arrived))
            continue;
        const auto rows = by_origin.between(each.guest, each.started, std::max(each.ended, each.started + 1));
        if (rows.empty())
            continue;
        std::uint64_t in_commands = 0;
        for (const latency_row* row : rows)
            in_commands += row->total;
        const std::uint64_t whole = each.ended - each.started;
        values["guest"].push_back(whole > in_commands ? whole - in_commands : 0);
        for (const auto& [name, member] : trace::latency_hops) {
            std::uint64_t sum = 0;
            for (const latency_row* row : rows)
                sum += row->*member;
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

/// Variance of the gaps between arrivals over the square of their mean: 1 for a Poisson process, 0 for a
/// clock.
std::optional<double> variation_of_gaps(samples arrivals) {
    if (arrivals.size() < 3)
        return std::nullopt;
    std::ranges::sort(arrivals);
    const auto count = static_cast<double>(arrivals.size() - 1);
    const double mean = static_cast<double>(arrivals.back() - arrivals.front()) / count;
    double squares = 0;
    for (std::size_t i = 1; i < arrivals.size(); ++i) {
        const double off = static_cast<double>(arrivals[i] - arrivals[i - 1]) - mean;
        squares += off * off;
    }
    return mean == 0 ? std::nullopt : std::optional(squares / (count - 1) / (mean * mean));
}

/// The manager's server: who waits for it and for how long it is busy with whom.
class manager_figures {
  public:
    explicit manager_figures(const observations& seen) : m_seen(seen) {
        for (const latency_row& row : seen.rows)
            if (row.server.role == trace::domain_role::manager)
                add(row);
        // Those that starve count for the queue to its end.
        for (const latency_row& row : seen.unanswered)
            if (row.server.role == trace::domain_role::manager) {
                m_changes.emplace_back(row.time_ns, 1);
                m_changes.emplace_back(UINT64_MAX, -1);
            }
    }

    void tell(metrics& out) {
        out["manager.requests"] = static_cast<double>(m_wait.size());
        out["manager.throughput_per_s"] = per_second(m_ended, m_seen);
        const queue_length queue = length_of_queue(m_seen, std::move(m_changes));
        out["manager.queue_mean"] = queue.mean;
        out["manager.queue_max"] = static_cast<double>(queue.max);
        out["manager.busy"] = quotient(m_busy, m_seen.end - m_seen.begin);
        out["manager.busy_without_chip"] = quotient(m_busy_without_chip, m_seen.end - m_seen.begin);
        out["manager.arrivals_per_s"] = per_second(m_arrivals.size(), m_seen);
        if (const auto variation = variation_of_gaps(std::move(m_arrivals)))
            out["manager.variation_of_gaps"] = *variation;
        double squares = 0;
        for (const std::uint64_t each : m_service)
            squares += static_cast<double>(each) * static_cast<double>(each);
        if (!m_service.empty())
            out["manager.service.mean_square_ns2"] = squares / static_cast<double>(m_service.size());
        summarise(out, "manager.wait", std::move(m_wait));
        summarise(out, "manager.service", std::move(m_service));
        summarise(out, "manager.chip_service", std::move(m_chip_service));
    }

  private:
    void add(const latency_row& row) {
        const std::uint64_t submitted = row.time_ns + row.queue, served = submitted + row.ring;
        const std::uint64_t ended = row.time_ns + row.total - row.back;
        if (row.ring != 0) {
            m_changes.emplace_back(submitted, 1);
            m_changes.emplace_back(served, -1);
        }
        m_ended += inside(m_seen, ended) ? 1 : 0;
        const std::uint64_t from = std::max(served, m_seen.begin), to = std::min(ended, m_seen.end);
        if (to > from) {
            m_busy += to - from;
            m_busy_without_chip += row.chip == 0 ? to - from : 0;
        }
        if (!inside(m_seen, submitted))
            return;
        m_arrivals.push_back(submitted);
        m_wait.push_back(row.ring);
        m_service.push_back(ended - served);
        if (row.chip != 0)
            m_chip_service.push_back(ended - served);
    }

    const observations& m_seen;
    samples m_arrivals, m_wait, m_service, m_chip_service;
    std::vector<std::pair<std::uint64_t, int>> m_changes;
    std::uint64_t m_ended = 0, m_busy = 0, m_busy_without_chip = 0;
};

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
    measure_paths(seen, out);
    manager_figures(seen).tell(out);
    measure_utilisation(seen, out);
    return out;
}

}  // namespace vtwin::scenario::study
