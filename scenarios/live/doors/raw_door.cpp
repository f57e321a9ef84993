#include "scenarios/live/doors/raw_door.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "scenarios/live/doors/frames.h"

namespace vtwin::scenario::live {
namespace {

asio::awaitable<void> serve_client(stream_socket client, door_context& context, const listen_spec& spec) {
    constexpr std::uint8_t locality = 0;
    exclusive_open opened(context, spec);
    co_await opened.try_to_open();
    if (!opened.granted())
        co_return;
    device_file device(context, spec.resource_manager);
    co_await serve_frames(client, device, context, locality);
}

asio::awaitable<void> accept_clients(std::shared_ptr<listener> from, door_context& context,
                                     listen_spec spec) {
    while (true) {
        stream_socket client = co_await from->accept();
        asio::co_spawn(context.loop.io(), serve_client(std::move(client), context, spec), asio::detached);
    }
}

}  // namespace

raw_door::raw_door(const listen_spec& spec, door_context& context)
    : m_listener(std::make_shared<listener>(context.loop.io(), spec)) {
    asio::co_spawn(context.loop.io(), accept_clients(m_listener, context, spec), asio::detached);
}

}  // namespace vtwin::scenario::live
