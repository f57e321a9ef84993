#include "scenarios/live/client_loop.h"

#include <asio/async_result.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>

namespace vtwin::scenario::live {
namespace {

paced_clock::wall_time wall_now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

answer closed() {
    answer result;
    result.what = answer::status::closed;
    return result;
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
        asio::post(m_io, [then = std::move(then)] { then(closed()); });
        return;
    }
    if (what.what == operation::kind::power_off || what.what == operation::kind::power_on)
        m_powered = what.what == operation::kind::power_on;
    const auto at = m_clock.free() ? sc_core::SC_ZERO_TIME : m_clock.simulated_at(wall_now());
    m_queue.push_back({std::move(what), std::move(then), at});
}

/// In the guest's thread. The pause takes effect at the end of the delta cycle: after the wait, clients have
/// been served.
std::optional<work_if::item> client_loop::next() {
    while (m_queue.empty() && !m_stopped) {
        sc_core::sc_pause();
        sc_core::wait(sc_core::SC_ZERO_TIME);
    }
    if (m_stopped)
        return std::nullopt;
    m_running = std::move(m_queue.front());
    m_queue.pop_front();
    return item{m_running->what, m_running->at};
}

void client_loop::done(const operation& what, answer result) {
    sc_assert(m_running);
    waiting finished = std::move(*m_running);
    m_running.reset();
    on_done(what, result);
    deliver(std::move(finished.then), std::move(result));
}

void client_loop::deliver(completion then, answer result) {
    if (m_clock.free()) {
        asio::post(m_io, [then = std::move(then), result = std::move(result)]() mutable {
            then(std::move(result));
        });
        return;
    }
    const std::chrono::steady_clock::time_point due(m_clock.wall_at(result.ended));
    auto timer = std::make_shared<asio::steady_timer>(m_io, due);
    timer->async_wait([timer, then = std::move(then), result = std::move(result)](auto) mutable {
        then(std::move(result));
    });
}

bool client_loop::run_while_paused() {
    if (!m_ready) {
        m_ready = true;
        m_clock.start(wall_now(), sc_core::sc_time_stamp());
        on_ready();
    }
    m_io.restart();
    while (m_queue.empty() && !m_stopped)
        if (m_io.run_one() == 0)
            stop();  // no door is left
    return true;
}

void client_loop::stop() {
    m_stopped = true;
    for (auto& each : m_queue)
        asio::post(m_io, [then = std::move(each.then)] { then(closed()); });
    m_queue.clear();
}

void client_loop::drain() {
    m_stopped = true;
    if (m_running)
        asio::post(m_io, [then = std::move(m_running->then)] { then(closed()); });
    m_running.reset();
    m_io.restart();
    m_io.poll();
}

}  // namespace vtwin::scenario::live
