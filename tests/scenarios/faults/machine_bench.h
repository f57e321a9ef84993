// A small machine with faults armed on it. Nothing has run yet: a test calls the wires itself, or lets time
// pass. One per process.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "scenarios/faults/injection.h"
#include "tests/scenarios/support.h"

namespace vtwin::scenario::test {

inline sc_core::sc_time milli(double value) {
    return {value, sc_core::SC_MS};
}

/// A fault as a file would describe it.
inline fault fault_of(const std::string& kind, const std::string& target, trigger when = {},
                      std::map<std::string, std::string> with = {}) {
    return {"test " + kind, kind, target, std::move(when), std::move(with)};
}
/// Without a wire to count on: at a time.
inline trigger at_time(const sc_core::sc_time& when, std::optional<sc_core::sc_time> duration = {}) {
    trigger made;
    made.at = when;
    made.duration = duration;
    return made;
}
/// On every crossing from the `nth` on.
inline trigger from_crossing(std::uint64_t nth, std::optional<sc_core::sc_time> duration = {}) {
    trigger made;
    made.nth = nth;
    made.count = 0;
    made.duration = duration;
    return made;
}

class machine_bench {
  public:
    /// `more_wires` get taps, too.
    explicit machine_bench(std::vector<fault> faults, const std::vector<std::string>& more_wires = {},
                           const std::string& more_text = "")
        : m_folder(small_scenario + more_text),
          m_loaded(load_scenario(m_folder.file)),
          faults(checked(std::move(faults)), more_wires),
          machine(
              "machine", m_loaded.config,
              [this](const models::timeline_entry& entry) {
                  timeline.push_back(entry.domain + ": " + entry.text);
              },
              &this->faults.wires()) {
        this->faults.attach(machine, m_loaded.config);
    }

    const models::run_config& config() const { return m_loaded.config; }
    const armed_fault& armed(std::size_t index = 0) { return *faults.hub().faults().at(index); }
    bool said(const std::string& part) const {
        return std::ranges::any_of(timeline,
                                   [&](const auto& line) { return line.find(part) != std::string::npos; });
    }

  private:
    std::vector<fault> checked(std::vector<fault> all) const {
        std::vector<fault_problem> problems;
        for (auto& each : all)
            each = check_fault(each, wires_of(m_loaded.config), problems);
        for (const auto& problem : problems)
            FAIL(problem.key << ": " << problem.text);
        return all;
    }

    small_scenario_directory m_folder;
    loaded_scenario m_loaded;

  public:
    injection faults;
    std::vector<std::string> timeline;
    models::platform machine;
};

}  // namespace vtwin::scenario::test
