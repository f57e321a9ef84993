// A scenario with one guest whose user space is programs outside: from the doors' opening to their closing.
#pragma once

#include <asio/signal_set.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/live/served_tpm.h"
#include "scenarios/live/client_loop.h"
#include "scenarios/live/doors/door.h"
#include "scenarios/runner/simulation.h"

namespace vtwin::scenario::live {

struct session_options {
    models::live::place at = models::live::place::guest;
    std::string guest;  ///< whose TPM; "" at the hardware
    std::vector<listen_spec> doors;
    pace speed;
    start_mode start = start_mode::guest;
    std::string note;  ///< what is to be said when the doors open; "" for nothing
};

/// Takes part in a run: opens the doors, waits for the guest and serves until a signal (SIGINT, SIGTERM) or
/// stop().
class session final : public live_part {
  public:
    /// `say`: lines for the user, such as where the doors are.
    session(session_options options, std::function<void(const std::string&)> say);
    ~session() override;

    void join(simulated_world& world) override;
    /// "commands.csv": every operation with its simulated time.
    std::vector<output_file> files() override;
    void stop() { m_loop.stop(); }
    /// What was done so far, as a recording (recording_file.h).
    const std::string& recording() const { return m_recording; }

  private:
    void hear_signals();
    void begin();
    void note(const operation& what, const answer& result);

    session_options m_options;
    std::function<void(const std::string&)> m_say;
    door_context m_context;
    client_loop m_loop;
    std::unique_ptr<models::live::served_tpm> m_tpm;
    std::unique_ptr<asio::signal_set> m_signals;
    std::vector<std::unique_ptr<door>> m_doors;
    std::uint64_t m_operations = 0;
    std::string m_table, m_recording;
    sc_core::sc_time m_idle_since;  ///< when the guest had last done what was asked
};

}  // namespace vtwin::scenario::live
