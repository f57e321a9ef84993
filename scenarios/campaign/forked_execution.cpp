#include "scenarios/campaign/forked_execution.h"

#include <algorithm>
#include <deque>
#include <stdexcept>

#include "tpm/engine/rsa_memo.h"

namespace vtwin::scenario {
namespace {

constexpr int poll_milliseconds = 50;
constexpr std::size_t memo_bytes = 256U << 20;  // 100,000 operations and more

/// A world of one call of run: what is still to be done there.
struct world_state {
    const world* where = nullptr;
    std::vector<const planned_run*> runs;
    std::size_t next_shard = 0, shards = 0;
    bool golden_started = false;
};

}  // namespace

forked_execution::forked_execution(execution_setup setup, execution_options options)
    : m_setup(std::move(setup)), m_options(std::move(options)) {
    tpm::rsa_memo::share(memo_bytes);
}

forked_execution::~forked_execution() {
    stop_all();
}

loaded_scenario forked_execution::load(const world& where) const {
    auto overrides = where.overrides;
    overrides.push_back({"seed", std::to_string(where.seed), "seed"});
    return load_scenario(m_setup.scenario, overrides, m_options.library);
}

/// Forks a process for one task. It says by message what it has to say and ends.
void forked_execution::start(std::size_t number, const body& what) {
    m_children.emplace_back([&] {
        campaign_message message;
        message.task = number;
        try {
            what(number);
            return 0;
        } catch (const user_error& mistake) {
            message.what = campaign_message::kind::mistake;
            message.text = mistake.what();
        } catch (const std::exception& bug) {
            message.what = campaign_message::kind::failure;
            message.text = bug.what();
        }
        m_messages.send(std::move(message));
        return 0;
    });
}

/// Lets go of processes that have ended.
void forked_execution::reap(bool wait) {
    for (std::size_t i = m_children.size(); i-- > 0;) {
        const auto end = wait ? m_children[i].wait() : m_children[i].ended();
        if (!end)
            continue;
        m_children.erase(m_children.begin() + static_cast<std::ptrdiff_t>(i));
        if (!end->good())
            throw std::runtime_error("a simulation " + end->text());
    }
}

void forked_execution::stop_all() {
    m_children.clear();
    while (m_messages.receive(0)) {
    }
}

execution_if::rehearsal forked_execution::rehearse(const world& where, const std::vector<trigger>& triggers) {
    start(0, [&](std::size_t number) { run_golden(load(where), triggers, m_messages, number); });
    rehearsal shown;
    while (!m_children.empty()) {
        auto message = m_messages.receive(poll_milliseconds);
        if (!message) {
            reap(false);
            continue;
        }
        if (message->what == campaign_message::kind::golden) {
            shown.crossings = message->crossings;
            shown.end = message->record.end;
            auto itself = message->record;
            itself.faults_begun = 1;  // so that it is compared at all
            auto blameless = message->record;
            blameless.violations.clear();
            shown.result = judge(blameless, itself);
        }
        take(std::move(*message), [](const finished_run&) {});
        reap(true);
    }
    if (shown.crossings.size() != triggers.size())
        throw std::runtime_error("the fault-free run told nothing");
    return shown;
}

void forked_execution::take(campaign_message message, const result_sink& sink) {
    switch (message.what) {
        case campaign_message::kind::result:
            sink(message.run);
            break;
        case campaign_message::kind::golden:
            break;
        case campaign_message::kind::mistake:
            throw user_error({}, "", message.text);
        case campaign_message::kind::failure:
            throw std::runtime_error(message.text);
    }
}

void forked_execution::run(const std::vector<world>& worlds, const std::vector<planned_run>& runs,
                           unsigned jobs, const result_sink& sink) {
    std::vector<world_state> states(worlds.size());
    for (const auto& each : runs)
        states.at(each.world).runs.push_back(&each);
    std::deque<std::size_t> left;
    for (std::size_t i = 0; i < worlds.size(); ++i)
        if (!states[i].runs.empty()) {
            states[i].where = &worlds[i];
            left.push_back(i);
        }
    const std::size_t shards = left.size() >= jobs ? 1 : jobs;
    for (auto i : left)
        states[i].shards = std::min(shards, states[i].runs.size());

    /// The next process to be started; false when none can be.
    const auto start_next = [&] {
        for (auto i : left) {
            auto& state = states[i];
            if (!m_golden.contains(*state.where)) {
                if (state.golden_started)
                    continue;
                state.golden_started = true;
                start(i, [&](std::size_t number) { run_golden(load(*state.where), {}, m_messages, number); });
                return true;
            }
            const auto shard = state.next_shard++;
            if (state.next_shard == state.shards)
                std::erase(left, i);
            start(i, [&, shard](std::size_t number) {
                const auto scenario = load(*state.where);
                world_task task{scenario, {}, m_golden.at(*state.where), m_setup.limits, m_messages, number};
                for (std::size_t at = shard; at < state.runs.size(); at += state.shards)
                    task.runs.push_back(state.runs[at]);
                work(task);
            });
            return true;
        }
        return false;
    };
    try {
        while (!left.empty() || !m_children.empty()) {
            while (m_children.size() < jobs && start_next()) {
            }
            if (auto message = m_messages.receive(poll_milliseconds)) {
                if (message->what == campaign_message::kind::golden)
                    m_golden[worlds[message->task]] = message->record;
                take(std::move(*message), sink);
            }
            reap(false);
        }
        while (auto message = m_messages.receive(0))
            take(std::move(*message), sink);
    } catch (...) {
        stop_all();
        throw;
    }
}

/// Null runs take the whole way; the others branch off.
void forked_execution::work(world_task& task) const {
    std::vector<const planned_run*> all = std::move(task.runs);
    task.runs.clear();
    std::ranges::copy_if(all, std::back_inserter(task.runs),
                         [&](const auto* run) { return run->faults.empty() || !m_setup.snapshots; });
    run_each_from_boot(task);
    task.runs.clear();
    std::ranges::copy_if(all, std::back_inserter(task.runs),
                         [&](const auto* run) { return !run->faults.empty() && m_setup.snapshots; });
    if (!task.runs.empty())
        walk_ladder(task);
}

}  // namespace vtwin::scenario
