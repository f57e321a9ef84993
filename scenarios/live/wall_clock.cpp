#include "scenarios/live/wall_clock.h"

#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>

namespace vtwin::scenario::live {

paced_clock::wall_time steady_wall_clock::now() {
    return std::chrono::steady_clock::now().time_since_epoch();
}

void steady_wall_clock::call_at(asio::io_context& io, paced_clock::wall_time when,
                                std::function<void()> then) {
    auto timer = std::make_shared<asio::steady_timer>(io, std::chrono::steady_clock::time_point(when));
    timer->async_wait([timer, then = std::move(then)](const asio::error_code& error) {
        if (!error)
            then();
    });
}

}  // namespace vtwin::scenario::live
