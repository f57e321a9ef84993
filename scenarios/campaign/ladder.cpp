#include "scenarios/campaign/ladder.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "scenarios/runner/simulated_world.h"

namespace vtwin::scenario {
namespace {

constexpr int out_of_memory = 40;  // exit status of a copy that had no more memory

/// Address space of this process in bytes.
std::uint64_t address_space() {
    std::uint64_t pages = 0;
    if (FILE* statm = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(statm, "%lu", &pages) != 1)
            pages = 0;
        std::fclose(statm);
    }
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void limit(int resource, std::uint64_t soft, std::uint64_t hard) {
    const rlimit bound{soft, hard};
    ::setrlimit(static_cast<__rlimit_resource>(resource), &bound);
}

/// A copy ends with its parent, after its share of time, without core files.
void restrain(const run_limits& limits) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1);
#ifndef __SANITIZE_ADDRESS__
    const auto most = address_space() + limits.memory;
    limit(RLIMIT_AS, most, most);
#endif
}

campaign_message result_of(const world_task& task, const planned_run& run, outcome what) {
    campaign_message message;
    message.what = campaign_message::kind::result;
    message.task = task.number;
    message.run.id = run.id;
    message.run.result = std::move(what);
    return message;
}

outcome simulator_failure(const std::string& summary) {
    outcome what;
    what.worst = outcome_class::simulator_failure;
    what.summary = summary;
    return what;
}

/// What the end of a copy says that did not tell its own result.
outcome outcome_of_death(int status) {
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)) {
        outcome what;
        what.worst = outcome_class::hang;
        what.summary = "the run did not come to an end within its CPU time";
        return what;
    }
    if (WIFSIGNALED(status))
        return simulator_failure(fmt::format("the simulator died of signal {}", WTERMSIG(status)));
    if (WEXITSTATUS(status) == out_of_memory)
        return simulator_failure("the run took more memory than it may");
    return simulator_failure(fmt::format("the simulator ended with status {}", WEXITSTATUS(status)));
}

/// A run without faults has to hold by itself.
outcome judge_run(const run_record& golden, const planned_run& run, const run_record& record) {
    if (!run.faults.empty())
        return judge(golden, record);
    run_record blameless = golden;
    blameless.violations.clear();
    auto told = record;
    told.faults_begun = 1;  // so that it is compared at all
    return judge(blameless, told);
}

/// Hands over the result and ends the process, without a trace of the simulation in it.
[[noreturn]] void tell_and_end(const world_task& task, campaign_message message) {
    int status = 0;
    try {
        task.results.send(std::move(message));
    } catch (const std::exception&) {
        status = 1;
    }
    ::_exit(status);
}

campaign_message finished(const world_task& task, const planned_run& run, const simulated_world& world,
                          const run_record& record) {
    auto message = result_of(task, run, judge_run(task.golden, run, record));
    message.run.faults_begun = world.faults_begun();
    message.run.first_begun = world.first_begun();
    message.run.end = record.end;
    message.run.fingerprint = record.exact;
    return message;
}

/// Waits for a copy and speaks for it when it could not.
void await(pid_t copy, const world_task& task, const planned_run& run) {
    int status = 0;
    while (::waitpid(copy, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        task.results.send(result_of(task, run, outcome_of_death(status)));
}

class ladder {
  public:
    explicit ladder(const world_task& task)
        : m_task(task),
          m_world(task.scenario.config, {}, wires_of_runs(task.runs)),
          m_members(task.runs.size()),
          m_branched(task.runs.size()) {
        for (std::size_t i = 0; i < task.runs.size(); ++i)
            for (const auto& each : task.runs[i]->faults) {
                m_members[i].push_back(&m_world.faults().rehearse(each));
                m_owner[m_members[i].back()] = i;
            }
        m_world.faults().hub().may_begin = [this](armed_fault& which) { return may_begin(which); };
    }

    void walk() {
        const auto record = run();
        for (std::size_t i = 0; i < m_branched.size(); ++i)
            if (!m_branched[i])
                tell_not_activated(*m_task.runs[i], record);
        if (record.exact != m_task.golden.exact)
            throw std::runtime_error("the fault-free run did not repeat");
    }

  private:
    /// Comes back in the process that walks, with the fault-free record; the copies end here.
    run_record run() {
        try {
            auto record = m_world.run();
            if (m_copy_of)
                end_copy(record);
            return record;
        } catch (const std::bad_alloc&) {
            if (m_copy_of)
                ::_exit(out_of_memory);
            throw;
        } catch (const std::exception& bug) {
            if (m_copy_of)
                tell_and_end(m_task,
                             result_of(m_task, *m_task.runs[*m_copy_of], simulator_failure(bug.what())));
            throw;
        }
    }

    [[noreturn]] void end_copy(const run_record& record) {
        tell_and_end(m_task, finished(m_task, *m_task.runs[*m_copy_of], m_world, record));
    }

    /// In the world that goes on: never. In a copy: the faults of its run.
    bool may_begin(armed_fault& which) {
        const auto run = m_owner.at(&which);
        if (m_copy_of)
            return *m_copy_of == run;
        if (m_branched[run])
            return false;
        m_branched[run] = true;
        const pid_t copy = ::fork();
        if (copy < 0)
            throw std::runtime_error("no process for a run: too many processes or too little memory");
        if (copy != 0) {
            await(copy, m_task, *m_task.runs[run]);
            return false;
        }
        m_copy_of = run;
        restrain(m_task.limits);
        std::vector<wire_hub::live_fault> live;
        for (auto* member : m_members[run])
            live.push_back({member, m_world.faults().effect_of(member->what())});
        m_world.faults().hub().keep_only(std::move(live));
        return true;
    }

    void tell_not_activated(const planned_run& run, const run_record& record) {
        outcome nothing;
        nothing.worst = outcome_class::not_activated;
        nothing.summary = "no fault began";
        auto message = result_of(m_task, run, std::move(nothing));
        message.run.end = record.end;
        message.run.fingerprint = record.exact;
        m_task.results.send(std::move(message));
    }

    const world_task& m_task;
    simulated_world m_world;
    std::vector<std::vector<armed_fault*>> m_members;  ///< by run
    std::unordered_map<const armed_fault*, std::size_t> m_owner;
    std::vector<bool> m_branched;
    std::optional<std::size_t> m_copy_of;  ///< the run that this process is a copy for
};

}  // namespace

void run_golden(const loaded_scenario& scenario, const std::vector<trigger>& triggers,
                const message_channel& results, std::size_t number) {
    std::vector<std::string> wires;
    for (const auto& each : triggers)
        if (!each.on.empty())
            wires.push_back(each.on);
    simulated_world world(scenario.config, {}, wires);
    world.faults().hub().may_begin = [](armed_fault&) { return false; };
    std::vector<const armed_fault*> counting;
    for (auto when : triggers) {
        when.nth = UINT64_MAX;
        when.at = when.on.empty() ? std::optional(sc_core::sc_max_time()) : when.at;
        counting.push_back(&world.faults().rehearse({"count", "", "", when, {}}));
    }
    campaign_message message;
    message.what = campaign_message::kind::golden;
    message.task = number;
    message.record = world.run();
    for (const auto* each : counting)
        message.crossings.push_back(world.faults().hub().occurrences(*each));
    results.send(std::move(message));
}

void walk_ladder(const world_task& task) {
    ladder(task).walk();
}

void run_from_boot(const world_task& task, const planned_run& run) {
    restrain(task.limits);
    const std::vector<std::string> wires =
        run.faults.empty() ? std::vector<std::string>{"*"} : wires_of_runs({&run});
    try {
        simulated_world world(task.scenario.config, run.faults, wires);
        const auto record = world.run();
        tell_and_end(task, finished(task, run, world, record));
    } catch (const std::bad_alloc&) {
        ::_exit(out_of_memory);
    } catch (const std::exception& bug) {
        tell_and_end(task, result_of(task, run, simulator_failure(bug.what())));
    }
}

void run_each_from_boot(const world_task& task) {
    for (const auto* run : task.runs) {
        const pid_t copy = ::fork();
        if (copy < 0)
            throw std::runtime_error("no process for a run: too many processes or too little memory");
        if (copy == 0)
            run_from_boot(task, *run);
        await(copy, task, *run);
    }
}

std::vector<std::string> wires_of_runs(const std::vector<const planned_run*>& runs) {
    std::set<std::string> patterns;
    for (const auto* run : runs)
        for (const auto& each : run->faults) {
            patterns.insert(each.target);
            patterns.insert(each.when.on);
        }
    patterns.erase("");
    return {patterns.begin(), patterns.end()};
}

}  // namespace vtwin::scenario
