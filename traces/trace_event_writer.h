// The trace event format that Perfetto and Chrome's tracing page open: JSON with one object per event.
// Source: "Trace Event Format", Google.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace vtwin::trace {

/// A track: a thread of a process in the format's words. No thread's number may be that of another, nor that
/// of a process.
struct trace_track {
    std::uint32_t pid = 0, tid = 0;
};

using trace_arguments = std::vector<std::pair<std::string_view, std::variant<std::uint64_t, std::string>>>;

/// Times are picoseconds, written as exact microseconds with six decimals.
class trace_event_writer {
  public:
    explicit trace_event_writer(std::ostream& out);

    void name_process(std::uint32_t pid, std::string_view name, std::uint32_t sort_index);
    void name_thread(trace_track where, std::string_view name, std::uint32_t sort_index);
    /// Slices of one track come in order and do not overlap. A beginning and an end are written, not a
    /// duration: readers that add the two up in floating point would see slices overlap that only touch.
    void slice(trace_track where, std::uint64_t begin_ps, std::uint64_t end_ps, std::string_view category,
               std::string_view called, const trace_arguments& arguments);

    enum class flow_phase : char { start = 's', step = 't', finish = 'f' };
    /// Binds to the slice around that moment, which must be written before.
    void flow(flow_phase phase, std::uint64_t id, trace_track where, std::uint64_t at_ps,
              std::string_view called);

    /// Ends the file. False when a write failed.
    bool finish();

  private:
    void begin_event(char phase, trace_track where);
    void name(std::string_view value);
    void text(std::string_view value);
    void number(std::uint64_t value);
    void time_stamp(std::uint64_t ps);
    void arguments(const trace_arguments& list);
    void end_event();
    void metadata(const char* kind, trace_track where, const trace_arguments& list);

    std::ostream& m_out;
    std::string m_pending;
    bool m_first = true;
};

}  // namespace vtwin::trace
