// Reads a trace.json back and checks it against the trace event format.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace vtwin::test {

class trace_events {
  public:
    explicit trace_events(const std::string& text) {
        const auto json = nlohmann::json::parse(text, nullptr, false);
        if (json.is_discarded() || !json["traceEvents"].is_array())
            problem = "no trace of events";
        else
            for (const auto& each : json["traceEvents"])
                if (problem.empty())
                    event(each);
        for (const auto& [track, all] : m_spans)
            require(all.empty() || !all.back().open, "a slice without an end on " + m_threads[track].second);
        for (const auto& [id, steps] : m_flows)
            if (problem.empty() && (steps.empty() || steps.back().phase != 'f'))
                problem = "journey " + std::to_string(id) + " has no end";
    }

    std::string problem;              ///< the first thing that breaks the format; empty when nothing does
    std::vector<std::string> slices;  ///< "process/track: name begin+duration", in the file's order
    std::map<std::uint64_t, std::string> journeys;  ///< by id: "process/track > process/track"
    std::set<std::string> tracks;

    std::size_t slices_on(const std::string& track) const {
        std::size_t count = 0;
        for (const std::string& each : slices)
            count += each.starts_with(track + ": ") ? 1 : 0;
        return count;
    }

  private:
    using json = nlohmann::json;
    struct span {
        double begin, end;
        std::string name;
        bool open = true;
    };
    struct step {
        char phase;
        double at;
    };

    void require(bool held, const std::string& what) {
        if (!held && problem.empty())
            problem = what;
    }

    void event(const json& each) {
        for (const char* key : {"ph", "pid", "tid", "name"})
            require(each.contains(key) || (*key == 'n' && each["ph"] == "E"),
                    std::string("an event without ") + key + ": " + each.dump());
        if (!problem.empty())
            return;
        const std::string phase = each["ph"];
        const std::uint64_t pid = each["pid"], tid = each["tid"];
        if (phase == "M") {
            const std::string kind = each["name"];
            if (kind == "process_name")
                require(m_processes.emplace(pid, each["args"]["name"]).second, "a process named twice");
            else if (kind == "thread_name") {
                require(
                    m_threads.emplace(tid, std::pair(pid, each["args"]["name"].get<std::string>())).second,
                    "a thread named twice");
                require(!m_processes.contains(tid), "a thread's number is a process' number");
            } else {
                require(each["args"]["sort_index"].is_number_unsigned(), "no sort index");
            }
            return;
        }
        require(m_processes.contains(pid) && m_threads.contains(tid) && m_threads[tid].first == pid,
                "an event on no track: " + each.dump());
        require(each.contains("ts") && each["ts"].is_number() && (phase == "E" || each["cat"].is_string()),
                "an event without a time or a category");
        if (!problem.empty())
            return;
        const std::string track = m_processes[pid] + '/' + m_threads[tid].second;
        tracks.insert(track);
        const double at = each["ts"];
        if (phase == "B")
            return begin_slice(m_spans[tid], track, at, each["name"]);
        if (phase == "E")
            return end_slice(m_spans[tid], track, at);
        require(phase == "s" || phase == "t" || phase == "f", "phase " + phase);
        require((phase == "s") != each.contains("bp"), "a step that binds wrongly");
        flow(each["id"], phase[0], at, tid, track);
    }

    void flow(std::uint64_t id, char phase, double at, std::uint64_t tid, const std::string& track) {
        auto& steps = m_flows[id];
        require((phase == 's') == steps.empty(), "journey does not begin once: " + std::to_string(id));
        require(steps.empty() || (steps.back().phase != 'f' && steps.back().at <= at),
                "journey goes back or on after its end: " + std::to_string(id));
        steps.push_back({phase, at});
        journeys[id] += (phase == 's' ? "" : " > ") + track;
        int touched = 0;
        for (const span& each : m_spans[tid])
            touched += each.begin <= at && at <= each.end ? 1 : 0;
        require(touched == 1,
                "an arrow that touches " + std::to_string(touched) + " slices: " + std::to_string(id));
    }

    /// Slices of a track follow each other.
    void begin_slice(std::vector<span>& lane, const std::string& track, double at, const std::string& name) {
        require(lane.empty() || (!lane.back().open && lane.back().end <= at),
                "slices overlap on " + track + " at " + std::to_string(at));
        lane.push_back({at, at, name});
    }

    void end_slice(std::vector<span>& lane, const std::string& track, double at) {
        require(!lane.empty() && lane.back().open && lane.back().begin <= at,
                "an end without a beginning on " + track + " at " + std::to_string(at));
        if (!problem.empty())
            return;
        lane.back().end = at;
        lane.back().open = false;
        char times[64];
        std::snprintf(times, sizeof times, "%.6f+%.6f", lane.back().begin, at - lane.back().begin);
        slices.push_back(track + ": " + lane.back().name + ' ' + times);
    }

    std::map<std::uint64_t, std::string> m_processes;
    std::map<std::uint64_t, std::pair<std::uint64_t, std::string>> m_threads;
    std::map<std::uint64_t, std::vector<span>> m_spans;
    std::map<std::uint64_t, std::vector<step>> m_flows;
};

}  // namespace vtwin::test
