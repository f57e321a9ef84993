// Between sockets and simulation: clients' operations wait here until the guest takes them, and answers until
// they are due.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <deque>
#include <functional>
#include <memory>

#include "models/live/operation.h"
#include "scenarios/live/pace.h"

namespace vtwin::scenario::live {

using models::live::answer;
using models::live::operation;
using models::live::place;
using models::live::start_mode;
using models::live::work_if;

/// One thread does everything, in turns: the simulation runs until the guest has nothing to do and pauses it;
/// then the loop serves sockets until a client has asked for something.
class client_loop final : public work_if {
  public:
    explicit client_loop(pace chosen) : m_clock(chosen) {}

    // ---- for doors: coroutines of io()
    asio::io_context& io() { return m_io; }
    /// Waits for its turn, for the guest to carry it out, and for the time of its answer. After stop() every
    /// answer is `closed`.
    asio::awaitable<answer> perform(operation what);
    /// Whether the machine behind the doors is on once everything that was asked for is done.
    bool powered() const { return m_powered; }

    // ---- for the simulation
    std::optional<item> next() override;
    void done(const operation& what, answer result) override;
    /// Runs while the simulation is paused; true when it is to go on.
    bool run_while_paused();

    // ---- for the session
    /// Called once, when the guest serves for the first time: doors may open.
    std::function<void()> on_ready = [] {};
    /// Hears every operation that was done, in order: for a record of the session.
    std::function<void(const operation&, const answer&)> on_done = [](const operation&, const answer&) {};
    /// Nothing more is taken; who waits is told so. The guest goes on to its end.
    void stop();
    bool stopped() const { return m_stopped; }
    /// Lets coroutines end that wait for nothing but their own clean-up; after the simulation.
    void drain();

  private:
    using completion = std::function<void(answer)>;
    struct waiting {
        operation what;
        completion then;
        sc_core::sc_time at;  ///< when it was asked for, in simulated time; zero when free
    };
    void enqueue(operation what, completion then);
    void deliver(completion then, answer result);

    bool m_powered = true;
    bool m_ready = false, m_stopped = false;  ///< before the context: coroutines look at it as they go
    asio::io_context m_io;
    std::deque<waiting> m_queue;
    std::optional<waiting> m_running;
    paced_clock m_clock;
};

}  // namespace vtwin::scenario::live
