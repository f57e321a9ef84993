#include "scenarios/live/doors/pty_door.h"

#include <fmt/format.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <system_error>

#include "scenarios/live/doors/terminal_commands.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario::live {
namespace {

constexpr std::chrono::milliseconds before_next_terminal{200};

using terminal_ptr = std::unique_ptr<pseudo_terminal>;

asio::awaitable<void> serve_client(terminal_ptr terminal, door_context& context, const listen_spec& spec) {
    exclusive_open opened(context, spec);
    co_await opened.try_to_open();
    if (!opened.granted())
        co_return;
    device_file device(context, spec.resource_manager);
    terminal_service service;
    service.alone = [&context, &terminal] {
        const bool alone = terminal->opened() <= 1;
        if (!alone)
            context.say(terminal->device() + " was opened more than once: its clients are cut off");
        return alone;
    };
    service.carry_out = [&device](tpm::bytes command) { return device.transmit(std::move(command)); };
    co_await serve_terminal(terminal->master(), context.version, service);
}

/// A fresh one behind the link; null when there is none to be had.
terminal_ptr replace(device_link& link, door_context& context) {
    try {
        auto next = std::make_unique<pseudo_terminal>(context.loop.io());
        link.point_to(next->device());
        return next;
    } catch (const std::system_error& error) {
        return nullptr;
    }
}

asio::awaitable<void> serve_link(terminal_ptr spare, std::shared_ptr<device_link> link, door_context& context,
                                 listen_spec spec) {
    asio::steady_timer timer(context.loop.io());
    while (true) {
        co_await spare->events().async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
        asio::co_spawn(context.loop.io(), serve_client(std::move(spare), context, spec), asio::detached);
        spare = replace(*link, context);
        if (!spare)
            context.say(
                fmt::format("no pseudo-terminal for the next client of {}: trying again", link->path()));
        while (!spare) {
            timer.expires_after(before_next_terminal);
            co_await timer.async_wait(asio::use_awaitable);
            spare = replace(*link, context);
        }
    }
}

}  // namespace

pty_door::pty_door(const listen_spec& spec, door_context& context) {
    try {
        auto first = std::make_unique<pseudo_terminal>(context.loop.io());
        m_link = std::make_shared<device_link>(spec.path, first->device());
        asio::co_spawn(context.loop.io(), serve_link(std::move(first), m_link, context, spec),
                       asio::detached);
    } catch (const std::system_error& error) {
        const bool taken = error.code() == std::errc::file_exists;
        throw user_error(
            {"--listen " + spec.text}, "",
            taken ? fmt::format("{} exists: remove it when no program serves it any more", spec.path)
                  : fmt::format("cannot be opened: {}", error.what()));
    }
}

}  // namespace vtwin::scenario::live
