#include "scenarios/study/probe.h"

#include <algorithm>

namespace vtwin::scenario::study {
namespace {

std::uint64_t nanoseconds(const sc_core::sc_time& time) {
    return time.value() / sc_core::sc_time(1, sc_core::SC_NS).value();
}

}  // namespace

probe::probe(models::platform& machine, const models::run_config& config)
    : m_recorded(machine, config, {.waveform = false}) {
    m_heard.listen(machine.hardware().tis().commands, [this](const tpm::chip_command& what) {
        note(m_seen.busy["chip"], nanoseconds(what.go), nanoseconds(what.done));
    });
    m_heard.listen(machine.hardware().bus().cycles, [this](const tpm::lpc_cycle& what) {
        note(m_seen.busy["bus"], nanoseconds(what.start), nanoseconds(what.end));
    });
    m_heard.listen(machine.hypervisor().vcpu_states,
                   [this](const xen::vcpu_state_change& what) { vcpu_changed(what); });
    for (std::uint32_t pcpu = 0; pcpu < config.machine.pcpus; ++pcpu)
        m_seen.busy["pcpu." + std::to_string(pcpu)];
    for (const auto& guest : machine.guests())
        if (guest->config().load)
            listen_to(*guest);
}

void probe::listen_to(models::guest_domain& guest) {
    const std::string name = guest.config().name;
    const models::load_config& load = *guest.config().load;
    m_loads[name].config = &load;
    guest.on_load = [this, name](bool begun) {
        auto& times = m_loads[name];
        (begun ? times.begun : times.ended) = nanoseconds(sc_core::sc_time_stamp());
    };
    const std::uint64_t deadline = load.deadline ? nanoseconds(*load.deadline) : 0;
    guest.on_load_operation = [this, name, deadline](const models::load_operation& done) {
        m_seen.operations.push_back({name, nanoseconds(done.arrived), nanoseconds(done.started),
                                     nanoseconds(done.ended), done.ok(),
                                     done.failure.error == models::transport_error::timed_out, deadline});
    };
}

/// Touching spans become one: a busy bus is thousands of cycles.
void probe::note(std::vector<busy_span>& spans, std::uint64_t begin, std::uint64_t end) {
    if (!spans.empty() && spans.back().end == begin)
        spans.back().end = end;
    else
        spans.push_back({begin, end});
}

void probe::vcpu_changed(const xen::vcpu_state_change& what) {
    const std::uint64_t now = nanoseconds(sc_core::sc_time_stamp());
    if (const auto found = m_running.find(what.dom); found != m_running.end()) {
        note(m_seen.busy["pcpu." + std::to_string(found->second.pcpu)], found->second.since, now);
        if (const auto& who = m_recorded.recorder().who(what.dom); who.role == trace::domain_role::manager)
            note(m_seen.busy["vcpu." + who.name], found->second.since, now);
        m_running.erase(found);
    }
    if (what.now == xen::vcpu_state_change::state::running)
        m_running[what.dom] = {now, what.pcpu};
}

/// From the last load's end of warm-up to the first load's end.
bool probe::find_window(std::string& problem) {
    std::uint64_t begin = 0, end = UINT64_MAX;
    for (const auto& [guest, times] : m_loads) {
        if (!times.begun || !times.ended) {
            problem = guest + (times.begun ? ": its load did not end" : ": its load did not begin");
            return false;
        }
        begin = std::max(begin, *times.begun + nanoseconds(times.config->warm_up));
        end = std::min(end, *times.ended);
        if (const std::uint64_t duration = nanoseconds(times.config->duration); duration != 0)
            end = std::min(end, *times.begun + duration);
    }
    if (m_loads.empty())
        problem = "no guest has a load";
    else if (end <= begin)
        problem = "no time in which all loads are past their warm-up: a common load.start helps";
    m_seen.begin = begin;
    m_seen.end = end;
    return problem.empty();
}

observations probe::take(std::string& problem) {
    const std::uint64_t now = nanoseconds(sc_core::sc_time_stamp());
    for (const auto& [dom, since] : m_running)
        note(m_seen.busy["pcpu." + std::to_string(since.pcpu)], since.since, now);
    find_window(problem);
    m_seen.loads = m_loads.size();
    m_seen.rows = m_recorded.recorder().latency_rows();
    m_seen.unanswered = m_recorded.recorder().unanswered();
    return std::move(m_seen);
}

}  // namespace vtwin::scenario::study
