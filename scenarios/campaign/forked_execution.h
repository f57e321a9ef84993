// Campaign runs in processes that this one forks: some to see the fault-free world, some to walk its ladder.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "scenarios/campaign/execution.h"
#include "scenarios/campaign/ladder.h"
#include "scenarios/runner/forked_child.h"

namespace vtwin::scenario {

struct execution_options {
    std::filesystem::path library = default_library();
};

/// The calling process must never have elaborated a SystemC module.
class forked_execution final : public execution_if {
  public:
    forked_execution(execution_setup setup, execution_options options);
    ~forked_execution() override;

    rehearsal rehearse(const world& where, const std::vector<trigger>& triggers) override;
    void run(const std::vector<world>& worlds, const std::vector<planned_run>& runs, unsigned jobs,
             const result_sink& sink) override;

  private:
    using body = std::function<void(std::size_t number)>;

    loaded_scenario load(const world& where) const;
    void start(std::size_t number, const body& what);
    void reap(bool wait);
    void stop_all();
    void work(world_task& task) const;
    void take(campaign_message message, const result_sink& sink);

    execution_setup m_setup;
    execution_options m_options;
    message_channel m_messages;
    std::map<world, run_record> m_golden;
    std::vector<forked_child> m_children;
};

}  // namespace vtwin::scenario
