// The way of an operation through guest, vTPM and manager: each part from the observations of that part, so
// that their sum can be held against the latency.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scenarios/study/metrics.h"

namespace vtwin::scenario::study {

/// Rows of the latency table by who sent them, then by time. `rows` must outlive it and be in order of time.
class rows_by_origin {
  public:
    explicit rows_by_origin(const std::vector<trace::latency_row>& rows);
    /// Those that `origin` issued at `from` or later, and before `to`.
    std::vector<const trace::latency_row*> between(const std::string& origin, std::uint64_t from,
                                                   std::uint64_t to) const;

  private:
    std::map<std::string, std::vector<const trace::latency_row*>> m_rows;
};

/// Of the operations that arrived in the window and ended well. Means in nanoseconds:
///   path.guest_wait.mean_ns     arrival to start
///   path.guest.mean_ns          the guest's software before, between and after its commands
///   path.queue.mean_ns, path.ring.mean_ns, path.return.mean_ns    of the guest's commands
///   path.vtpm.mean_ns           the vTPM: its software and its disk
///   path.manager_wait.mean_ns   the vTPM's requests until the manager serves them
///   path.service.mean_ns        the manager serves them, chip included
///   path.latency.mean_ns        arrival to end
/// What the manager did is taken from the vTPM's own requests, not from the guest's rows. Whether all that
/// fits:
///   path.operations             how many there are
///   path.inexact                of these, whose parts overlap or do not sum to the latency to the nanosecond
///   path.largest_difference_ns  of all of them
void measure_paths(const observations& seen, metrics& out);

}  // namespace vtwin::scenario::study
