// Between sockets and simulation: clients' operations wait here until the guest takes them, and answers until
// they are due.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "models/live/operation.h"
#include "scenarios/live/pace.h"
#include "scenarios/live/wall_clock.h"

namespace vtwin::scenario::live {

using models::live::answer;
using models::live::operation;
using models::live::place;
using models::live::start_mode;
using models::live::work_if;

/// One thread does everything, in turns: the simulation runs until the guest has nothing to do and pauses it;
/// then the loop serves sockets until a client has asked for something, or, unless the pace is free, until
/// some wall time has passed, which the guest then sleeps through.
class client_loop final : public work_if {
  public:
    explicit client_loop(pace chosen,
                         std::unique_ptr<wall_clock_if> wall = std::make_unique<steady_wall_clock>())
        : m_wall(std::move(wall)), m_clock(chosen) {}

    // ---- for doors: coroutines of io()
    /// Not after close().
    asio::io_context& io() { return *m_io; }
    /// Waits for its turn, for the guest to carry it out, and for the time of its answer. After stop() every
    /// answer is `closed`.
    asio::awaitable<answer> perform(operation what);
    /// Whether the machine behind the doors is on once everything that was asked for is done.
    bool powered() const { return m_powered; }

    // ---- for the simulation
    std::optional<item> next() override;
    void done(const operation& what, answer result) override;
    /// To be called while the simulation stands still. When it is the guest that has paused it, serves
    /// sockets until there is something to do for the guest.
    void run_while_paused();

    // ---- for the session
    /// Called once, when the guest serves for the first time: doors may open.
    std::function<void()> on_ready = [] {};
    /// Hears every operation that was done, in order: for a record of the session. `asked_for`: the point of
    /// simulated time up to which the guest slept before it, if it did.
    std::function<void(const operation&, const answer&, const sc_core::sc_time& asked_for)> on_done =
        [](const operation&, const answer&, const sc_core::sc_time&) {};
    /// Nothing more is taken; who waits is told so. The guest goes on to its end.
    void stop();
    bool stopped() const { return m_stopped; }
    /// Stops; then ends all coroutines of io(), and with them every connection. Not from within one of them.
    /// Other objects of io() must be gone. What the guest is at is still done, and heard of.
    void close();

    /// What the guest was last told to sleep to, or will be.
    sc_core::sc_time idle_until() const {
        return std::max(m_slept_until, m_idle_until.value_or(m_slept_until));
    }

  private:
    using completion = std::function<void(answer)>;
    struct waiting {
        operation what;
        completion then;
        sc_core::sc_time at;  ///< when it was asked for, in simulated time; zero when free
    };
    void enqueue(operation what, completion then);
    void deliver(completion then, answer result);
    void serve_sockets();

    std::unique_ptr<wall_clock_if> m_wall;
    bool m_powered = true;
    bool m_ready = false, m_stopped = false;        ///< before the context: coroutines look at it as they go
    bool m_paused = false;                          ///< by the guest, which has nothing to do
    bool m_tick_pending = false, m_ticked = false;  ///< of wall time, while nobody asks
    std::optional<asio::io_context> m_io{std::in_place};
    std::deque<waiting> m_queue;
    std::optional<waiting> m_running;
    std::optional<sc_core::sc_time> m_idle_until;  ///< for the guest to sleep to
    sc_core::sc_time m_slept_until;                ///< what it was last told to sleep to
    paced_clock m_clock;
};

}  // namespace vtwin::scenario::live
