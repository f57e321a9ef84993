#include "traces/track_sheet.h"

#include <fmt/format.h>

#include <tuple>

namespace vtwin::trace {
namespace {

// Out of the way of the numbers of processes.
constexpr std::uint32_t first_track = 1'000'001;
// Viewers bind an arrow by its time alone: Chrome's to the slice that ends there, when two meet. Perfetto
// counts in nanoseconds.
constexpr std::uint64_t inside_ps = 1000;

}  // namespace

void track_sheet::begin_process(std::uint32_t pid, const std::string& name) {
    m_pid = pid;
    m_out.name_process(pid, name, m_processes++);
}

trace_track track_sheet::open_track(const std::string& name) {
    const trace_track where{m_pid, first_track + m_tracks};
    m_out.name_thread(where, name, m_tracks++);
    return where;
}

void track_sheet::add_track(const std::string& name, const std::string& category, std::vector<slice> slices) {
    std::ranges::stable_sort(slices, [](const slice& a, const slice& b) {
        return std::tie(a.begin_ps, a.end_ps) < std::tie(b.begin_ps, b.end_ps);
    });
    struct lane {
        trace_track where;
        std::uint64_t free_from = 0;
    };
    std::vector<lane> lanes;
    for (slice& each : slices) {
        auto at = std::ranges::find_if(lanes, [&](const lane& a) { return a.free_from <= each.begin_ps; });
        if (at == lanes.end()) {
            lanes.push_back(
                {open_track(lanes.empty() ? name : fmt::format("{} ({})", name, lanes.size() + 1)), 0});
            at = lanes.end() - 1;
        }
        at->free_from = each.end_ps;
        m_out.slice(at->where, each.begin_ps, each.end_ps, category, each.name, each.arguments);
        if (each.number != 0 && each.begin_ps < each.end_ps)  // nothing binds to a slice without a length
            m_journeys[each.number].push_back({std::min(each.begin_ps + inside_ps, each.end_ps), each.depth,
                                               at->where, std::move(each.name)});
    }
}

void track_sheet::draw_arrows() {
    using phase = trace_event_writer::flow_phase;
    for (auto& [number, steps] : m_journeys) {
        std::ranges::stable_sort(steps, [](const step& a, const step& b) {
            return std::tie(a.at_ps, a.depth) < std::tie(b.at_ps, b.depth);
        });
        if (steps.size() < 2)
            continue;
        for (std::size_t i = 0; i < steps.size(); ++i)
            m_out.flow(i == 0                  ? phase::start
                       : i + 1 == steps.size() ? phase::finish
                                               : phase::step,
                       number, steps[i].where, steps[i].at_ps, steps.front().name);
    }
}

}  // namespace vtwin::trace
