// Figures of one run: latencies, throughput, utilisation, queues, and what went wrong.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/study/observations.h"

namespace vtwin::scenario::study {

/// By name; times in whole nanoseconds or quotients of such, so that equal runs give equal values.
using metrics = std::map<std::string, double>;

/// Everything that `seen` tells of its window.
///   guests, guests_served             those with a load; those of which an operation ended well in the
///   window operations, arrivals_per_s, throughput_per_s    those that arrived in the window; those that
///   ended well in
///                                     it, per s
///   failed, etime, deadline_misses    of those that arrived in the window
///   latency.*                         arrival to end, wait in the guest included
///   guest_wait.*                      arrival to start
///   hop.<column of the latency table>.*   of an operation's commands together; hop.guest: the rest of the
///                                     time from start to end, the guest's own software
///   path.*                            see operation_path.h
///   manager.requests, manager.arrivals_per_s, manager.throughput_per_s, manager.wait.* (until served),
///   manager.service.*, manager.queue_mean, manager.queue_max (waiting, the one in service not counted)
///   manager.chip_service.*            service of the requests that needed the chip
///   manager.service.mean_square_ns2, manager.variation_of_gaps    what queueing theory asks for: squared
///                                     service times; variance of the gaps between arrivals over their
///                                     squared mean
///   manager.busy, manager.busy_without_chip    0 to 1: share of the window in which it served any request;
///                                     one that did not need the chip
///   utilisation.<part>                0 to 1
/// where * is mean_ns, p50_ns, p90_ns, p95_ns, p99_ns, max_ns. What has no sample is left out.
metrics measure(const observations& seen);

/// The smallest sample that at least `percent` of 100 of all samples do not exceed (nearest rank). `sorted`
/// must not be empty.
std::uint64_t percentile(const std::vector<std::uint64_t>& sorted, unsigned percent);

using samples = std::vector<std::uint64_t>;
/// Adds <name>.mean_ns and the other figures of *; nothing without values.
void summarise(metrics& out, const std::string& name, samples values);

/// Latencies of the operations that arrived in the window, sorted.
std::vector<std::uint64_t> latencies(const observations& seen);

}  // namespace vtwin::scenario::study
