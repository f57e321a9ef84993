#include "scenarios/runner/judged_run.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <stdexcept>

namespace vtwin::scenario {
namespace {

constexpr int poll_milliseconds = 100;

/// The copy of a world that goes on without faults.
class faultless_copy {
  public:
    explicit faultless_copy(simulated_world& world) : m_world(world) {
        world.faults().hub().may_begin = [this](armed_fault&) { return may_begin(); };
    }
    ~faultless_copy() {
        if (m_child > 0) {
            ::kill(m_child, SIGKILL);
            ::waitpid(m_child, nullptr, 0);
        }
    }
    faultless_copy(const faultless_copy&) = delete;
    faultless_copy& operator=(const faultless_copy&) = delete;

    /// In the copy: tells the record and ends. In the world with faults: what the copy told, nullopt when
    /// there is none.
    std::optional<run_record> exchange(const run_record& record) {
        if (m_is_copy)
            tell_and_end(record);
        if (m_child <= 0)
            return std::nullopt;
        for (;;) {
            if (const auto& asked = m_world.machine().on_pause)
                asked();  // throws when the run was interrupted
            if (auto message = m_channel.receive(poll_milliseconds))
                return std::move(message->record);
            int status = 0;
            if (::waitpid(m_child, &status, WNOHANG) != 0) {
                m_child = 0;
                if (auto message = m_channel.receive(0))
                    return std::move(message->record);
                throw std::runtime_error("the run without faults did not come to its end");
            }
        }
    }
    bool is_copy() const { return m_is_copy; }

  private:
    bool may_begin() {
        if (m_is_copy)
            return false;
        if (m_child != 0)
            return true;
        m_child = ::fork();
        if (m_child < 0)
            throw std::runtime_error("no process for the run without faults");
        if (m_child > 0)
            return true;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (const int signal : {SIGINT, SIGTERM})
            ::signal(signal, SIG_IGN);  // the world with faults hears them and ends its copy
        m_is_copy = true;
        m_world.mute();
        m_world.faults().hub().keep_only({});
        return false;
    }

    [[noreturn]] void tell_and_end(const run_record& record) const {
        int status = 0;
        try {
            campaign_message message;
            message.what = campaign_message::kind::golden;
            message.record = record;
            m_channel.send(std::move(message));
        } catch (const std::exception&) {
            status = 1;
        }
        ::_exit(status);
    }

    simulated_world& m_world;
    message_channel m_channel;
    pid_t m_child = 0;
    bool m_is_copy = false;
};

}  // namespace

namespace {

/// Nothing to compare with: a broken invariant alone tells.
void judge_itself(judged_run& run) {
    run.golden = run.record;
    run.golden.violations.clear();
    auto itself = run.record;
    itself.faults_begun = itself.violations.empty() ? 0 : 1;
    run.result = judge(run.golden, itself);
}

}  // namespace

judged_run run_alone(simulated_world& world) {
    judged_run run;
    run.record = world.run();
    judge_itself(run);
    return run;
}

judged_run run_and_judge(simulated_world& world) {
    faultless_copy copy(world);
    judged_run run;
    try {
        run.record = world.run();
    } catch (const std::exception&) {
        if (copy.is_copy())
            ::_exit(1);
        throw;
    }
    if (auto golden = copy.exchange(run.record)) {
        run.golden = std::move(*golden);
        run.result = judge(run.golden, run.record);
        return run;
    }
    judge_itself(run);
    return run;
}

}  // namespace vtwin::scenario
