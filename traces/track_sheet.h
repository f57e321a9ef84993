// Slices on tracks: finds a free lane for each, so that no two on a track overlap, and remembers where the
// steps of a command lie until their arrows are drawn.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "traces/trace_event_writer.h"

namespace vtwin::trace {

class track_sheet {
  public:
    explicit track_sheet(trace_event_writer& out) : m_out(out) {}

    struct slice {
        std::uint64_t begin_ps = 0, end_ps = 0;
        std::string name;
        trace_arguments arguments;
        /// Steps of one number are linked by arrows in the order of their beginnings, then of their depths.
        /// An arrow touches a slice a little after its beginning, where the slice before it may end.
        std::uint64_t number = 0;  ///< 0: none
        unsigned depth = 0;
    };

    /// What follows belongs to this process.
    void begin_process(std::uint32_t pid, const std::string& name);
    /// A track for slices that the caller writes by itself, in order and without overlap.
    trace_track open_track(const std::string& name);
    /// Writes the slices to as many tracks as it takes: "name", "name (2)" and so on. None without slices.
    void add_track(const std::string& name, const std::string& category, std::vector<slice> slices);
    /// Writes the arrows, each journey under the name that its first step has. Last.
    void draw_arrows();

  private:
    struct step {
        std::uint64_t at_ps = 0;
        unsigned depth = 0;
        trace_track where;
        std::string name;
    };

    trace_event_writer& m_out;
    std::uint32_t m_pid = 0, m_processes = 0, m_tracks = 0;
    std::map<std::uint64_t, std::vector<step>> m_journeys;
};

}  // namespace vtwin::trace
