// What a run of a study observed: plain data, whole nanoseconds, made by the probe and read by the metrics.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "traces/latency_table.h"

namespace vtwin::scenario::study {

/// One operation of a guest's load. arrived <= started <= ended.
struct guest_operation {
    std::string guest;
    std::uint64_t arrived = 0, started = 0, ended = 0;
    bool ok = true;
    bool timed_out = false;      ///< the driver gave up: ETIME
    std::uint64_t deadline = 0;  ///< longest time that is in time; 0: none
};

struct busy_span {
    std::uint64_t begin = 0, end = 0;
};

struct observations {
    std::uint64_t begin = 0, end = 0;            ///< window: warm-up is over, the first load is not
    std::size_t loads = 0;                       ///< guests that carry one
    std::vector<guest_operation> operations;     ///< in order of their ends
    std::vector<trace::latency_row> rows;        ///< in order of time
    std::vector<trace::latency_row> unanswered;  ///< requests without an answer at the end of the run
    /// When a part was busy: "chip", "bus", "pcpu.0", "vcpu.vtpmmgr". Spans of one part do not overlap.
    std::map<std::string, std::vector<busy_span>> busy;
};

}  // namespace vtwin::scenario::study
