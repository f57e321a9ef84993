// Listens at a machine's wires and collects what the metrics are made from.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <systemc>

#include "models/platform/platform.h"
#include "scenarios/runner/observed_machine.h"
#include "scenarios/study/observations.h"

namespace vtwin::scenario::study {

/// Attach during elaboration; destroy before the machine. `machine` and `config` must outlive it.
class probe {
  public:
    probe(models::platform& machine, const models::run_config& config);
    probe(const probe&) = delete;
    probe& operator=(const probe&) = delete;

    /// What was seen, after the run. Without a window that every load covers: `problem` says why, and
    /// nothing counts.
    observations take(std::string& problem);

  private:
    struct load_times {
        const models::load_config* config = nullptr;
        std::optional<std::uint64_t> begun, ended;
    };
    void listen_to(models::guest_domain& guest);
    void vcpu_changed(const xen::vcpu_state_change& what);
    void note(std::vector<busy_span>& spans, std::uint64_t begin, std::uint64_t end);
    bool find_window(std::string& problem);

    observed_machine m_recorded;
    observations m_seen;
    std::map<std::string, load_times> m_loads;
    struct running {
        std::uint64_t since = 0;
        int pcpu = 0;
    };
    std::map<xen::domid_t, running> m_running;
    trace::subscriptions m_heard;
};

}  // namespace vtwin::scenario::study
