#include "scenarios/live/client_loop.h"

#include <algorithm>
#include <asio/async_result.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

namespace vtwin::scenario::live {
namespace {

/// How far behind the wall an idle machine may be. Clients do not see it: what they ask for begins at the
/// point of simulated time that belongs to its moment.
constexpr std::chrono::milliseconds idle_step{100};

answer closed() {
    answer result;
    result.what = answer::status::closed;
    return result;
}

bool switches_power(const operation& what) {
    return what.what == operation::kind::power_off || what.what == operation::kind::power_on;
}

}  // namespace

asio::awaitable<answer> client_loop::perform(operation what) {
    // Named: GCC 12 destroys some temporaries of a co_await expression twice.
    auto initiation = [this, &what](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        enqueue(std::move(what), [shared](answer result) { (*shared)(std::move(result)); });
    };
    auto begun =
        asio::async_initiate<const asio::use_awaitable_t<>, void(answer)>(initiation, asio::use_awaitable);
    answer result = co_await std::move(begun);
    co_return result;
}

void client_loop::enqueue(operation what, completion then) {
    if (m_stopped) {
        asio::post(*m_io, [then = std::move(then)] { then(closed()); });
        return;
    }
    if (switches_power(what))
        m_powered = what.what == operation::kind::power_on;
    const auto at = m_clock.free() ? sc_core::SC_ZERO_TIME : m_clock.simulated_at(m_wall->now());
    m_queue.push_back({std::move(what), std::move(then), at});
}

/// In the guest's thread. The pause takes effect at the end of the delta cycle: after the wait, clients have
/// been served.
std::optional<work_if::item> client_loop::next() {
    while (m_queue.empty() && !m_idle_until && !m_stopped) {
        m_paused = true;
        sc_core::sc_pause();
        sc_core::wait(sc_core::SC_ZERO_TIME);
    }
    const auto idle_until = std::exchange(m_idle_until, std::nullopt);
    if (!m_queue.empty()) {
        m_running = std::move(m_queue.front());
        m_queue.pop_front();
        if (m_running->at > sc_core::sc_time_stamp())
            m_slept_until = m_running->at;
        return item{m_running->what, m_running->at};
    }
    if (!idle_until)
        return std::nullopt;
    m_slept_until = std::max(m_slept_until, *idle_until);
    return item{{}, *idle_until, true};
}

void client_loop::done(const operation& what, answer result) {
    sc_assert(m_running);
    waiting finished = std::move(*m_running);
    m_running.reset();
    const bool asked_again =
        std::ranges::any_of(m_queue, [](const waiting& each) { return switches_power(each.what); });
    if (what.what == operation::kind::power_on && !result.ok() && !asked_again)
        m_powered = false;
    on_done(what, result, m_slept_until);
    deliver(std::move(finished.then), std::move(result));
}

void client_loop::deliver(completion then, answer result) {
    if (!m_io)
        return;  // who asked has been cut off
    if (m_clock.free()) {
        asio::post(*m_io, [then = std::move(then), result = std::move(result)]() mutable {
            then(std::move(result));
        });
        return;
    }
    const auto due = m_clock.wall_at(result.ended);
    m_wall->call_at(*m_io, due, [then = std::move(then), result = std::move(result)] { then(result); });
}

void client_loop::run_while_paused() {
    if (!std::exchange(m_paused, false) || m_stopped)
        return;
    if (!m_ready) {
        m_ready = true;
        m_clock.start(m_wall->now(), sc_core::sc_time_stamp());
        on_ready();
    }
    serve_sockets();
    if (!m_clock.free() && m_queue.empty())
        m_idle_until = m_clock.simulated_at(m_wall->now());
}

void client_loop::serve_sockets() {
    m_ticked = false;
    if (!m_clock.free() && !m_tick_pending) {
        m_tick_pending = true;
        m_wall->call_at(*m_io, m_wall->now() + idle_step, [this] {
            m_tick_pending = false;
            m_ticked = true;
        });
    }
    m_io->restart();
    while (m_queue.empty() && !m_stopped && !m_ticked)
        if (m_io->run_one() == 0)
            stop();  // no door is left
}

void client_loop::stop() {
    if (std::exchange(m_stopped, true))
        return;
    for (auto& each : m_queue)
        asio::post(*m_io, [then = std::move(each.then)] { then(closed()); });
    m_queue.clear();
}

void client_loop::close() {
    if (!m_io)
        return;
    stop();
    // What is ready to go out goes out; but a client that never ceases to ask is no reason to stay.
    constexpr int most_steps = 1000;
    m_io->restart();
    for (int i = 0; i < most_steps && m_io->poll_one() != 0; ++i) {
    }
    if (m_running)
        m_running->then = [](const answer&) {};
    m_io.reset();
}

}  // namespace vtwin::scenario::live
