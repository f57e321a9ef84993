#include "scenarios/study/operation_path.h"

#include <algorithm>
#include <array>

namespace vtwin::scenario::study {
namespace {

using trace::latency_row;

enum part { guest_wait, guest, queue, ring, vtpm, manager_wait, service, back, parts };
constexpr const char* part_names[parts] = {"guest_wait", "guest",        "queue",   "ring",
                                           "vtpm",       "manager_wait", "service", "return"};

struct path {
    std::array<std::uint64_t, parts> lengths{};
    bool ordered = true;  ///< no part begins before the one before it ended

    std::uint64_t sum() const {
        std::uint64_t all = 0;
        for (const std::uint64_t each : lengths)
            all += each;
        return all;
    }
};

/// Adds what lies between `from` and `to`.
void add_gap(path& way, std::uint64_t from, std::uint64_t to) {
    way.ordered = way.ordered && from <= to;
    way.lengths[guest] += to > from ? to - from : 0;
}

void add_command(path& way, const latency_row& command, const rows_by_origin& rows) {
    const std::uint64_t served = command.time_ns + command.queue + command.ring,
                        answered = command.time_ns + command.total - command.back;
    way.lengths[queue] += command.queue;
    way.lengths[ring] += command.ring;
    way.lengths[vtpm] += command.backend + command.save;
    way.lengths[back] += command.back;
    std::uint64_t since = served;
    for (const latency_row* request : rows.between(command.server.name, served, answered)) {
        const std::uint64_t end = request->time_ns + request->total;
        way.ordered = way.ordered && request->time_ns >= since && end <= answered;
        since = end;
        way.lengths[manager_wait] += request->queue + request->ring;
        way.lengths[service] += request->total - request->queue - request->ring;
    }
}

path path_of(const guest_operation& operation, const rows_by_origin& rows) {
    path way;
    way.lengths[guest_wait] = operation.started - operation.arrived;
    std::uint64_t at = operation.started;
    for (const latency_row* command : rows.between(operation.guest, operation.started, operation.ended)) {
        add_gap(way, at, command->time_ns);
        add_command(way, *command, rows);
        at = command->time_ns + command->total;
    }
    add_gap(way, at, operation.ended);
    return way;
}

}  // namespace

rows_by_origin::rows_by_origin(const std::vector<latency_row>& rows) {
    for (const latency_row& row : rows)
        m_rows[row.origin].push_back(&row);
}

std::vector<const latency_row*> rows_by_origin::between(const std::string& origin, std::uint64_t from,
                                                        std::uint64_t to) const {
    const auto found = m_rows.find(origin);
    if (found == m_rows.end())
        return {};
    const auto& rows = found->second;
    const auto first = std::ranges::lower_bound(rows, from, {}, &latency_row::time_ns);
    return {first, std::ranges::lower_bound(first, rows.end(), to, {}, &latency_row::time_ns)};
}

void measure_paths(const observations& seen, metrics& out) {
    const rows_by_origin rows(seen.rows);
    std::array<std::uint64_t, parts> sums{};
    std::uint64_t operations = 0, inexact = 0, largest = 0, latency = 0;
    for (const guest_operation& each : seen.operations) {
        if (!each.ok || each.arrived < seen.begin || each.arrived >= seen.end)
            continue;
        const path way = path_of(each, rows);
        const std::uint64_t whole = each.ended - each.arrived, sum = way.sum();
        const std::uint64_t difference = std::max(whole, sum) - std::min(whole, sum);
        ++operations;
        latency += whole;
        inexact += difference != 0 || !way.ordered ? 1 : 0;
        largest = std::max(largest, difference);
        for (std::size_t i = 0; i < parts; ++i)
            sums[i] += way.lengths[i];
    }
    out["path.operations"] = static_cast<double>(operations);
    if (operations == 0)
        return;
    out["path.inexact"] = static_cast<double>(inexact);
    out["path.largest_difference_ns"] = static_cast<double>(largest);
    const auto mean = [&](std::uint64_t sum) {
        return static_cast<double>(sum) / static_cast<double>(operations);
    };
    out["path.latency.mean_ns"] = mean(latency);
    for (std::size_t i = 0; i < parts; ++i)
        out[std::string("path.") + part_names[i] + ".mean_ns"] = mean(sums[i]);
}

}  // namespace vtwin::scenario::study
