// `vtwin campaign ...`: options in, one of the campaign functions called, an exit code out.
#pragma once

#include <memory>
#include <ostream>

#include "scenarios/campaign/engine.h"
#include "scenarios/runner/simulation.h"

namespace CLI {  // NOLINT(readability-identifier-naming): named by its library
class App;
}

namespace vtwin::scenario {

class campaign_commands {
  public:
    /// Adds the command to a program. Without an engine there is no run, resume and replay, and no plan that
    /// needs a run.
    campaign_commands(CLI::App& app, execution_factory engine, simulation simulate);
    ~campaign_commands();
    campaign_commands(const campaign_commands&) = delete;
    campaign_commands& operator=(const campaign_commands&) = delete;

    bool parsed() const;
    /// 0; 1 when runs came to what the campaign does not allow, when stores differ, or a replay does. Throws
    /// user_error.
    int run(std::ostream& out, std::ostream& err) const;

  private:
    struct state;
    std::unique_ptr<state> m_state;
};

}  // namespace vtwin::scenario
