// A scenario with one guest whose user space is programs outside: from the doors' opening to their closing.
#pragma once

#include <asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/live/served_tpm.h"
#include "scenarios/live/client_loop.h"
#include "scenarios/live/doors/door.h"
#include "scenarios/live/journal.h"
#include "scenarios/runner/signal_watch.h"
#include "scenarios/runner/simulation.h"

namespace vtwin::scenario::live {

struct session_options {
    models::live::place at = models::live::place::guest;
    std::string guest;  ///< whose TPM; "" at the hardware
    std::vector<listen_spec> doors;
    pace speed;
    start_mode start = start_mode::guest;
    std::string note;  ///< what is to be said when the doors open; "" for nothing
    /// File for what clients do (recording_file.h); "": none is made.
    std::string recording;
    /// Simulated time for the guests to come to their end once the doors are closed.
    sc_core::sc_time last_stretch;
};

/// Takes part in a run: opens the doors, waits for the guest and serves until a signal (SIGINT, SIGTERM),
/// which is heard within a second of simulated time, or stop(). Then all connections are cut.
class session final : public live_part {
  public:
    /// `say`: lines for the user, such as where the doors are.
    session(session_options options, std::function<void(const std::string&)> say);
    ~session() override;

    /// Leaves "commands.csv" in `directory`: every operation with its simulated time.
    void join(simulated_world& world, const std::filesystem::path& directory) override;
    std::vector<output_file> files() override;
    void stop() { m_loop.stop(); }
    /// Why the recording is not complete; "" when it is, or none was wanted.
    std::string recording_problem() const { return m_journal ? m_journal->recording_problem() : ""; }

  private:
    void wake_on_signals();
    void begin();
    void note(const operation& what, const answer& result, const sc_core::sc_time& asked_for);
    sc_core::sc_time stand_still();
    void close();

    session_options m_options;
    std::function<void(const std::string&)> m_say;
    signal_watch m_signals;
    door_context m_context;
    client_loop m_loop;
    std::unique_ptr<models::live::served_tpm> m_tpm;
    std::unique_ptr<asio::posix::stream_descriptor> m_wake;
    std::vector<std::unique_ptr<door>> m_doors;
    std::optional<journal> m_journal;
    bool m_closed = false;
    sc_core::sc_time m_limit = sc_core::sc_max_time();  ///< of the run
};

}  // namespace vtwin::scenario::live
