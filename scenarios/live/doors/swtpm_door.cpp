#include "scenarios/live/doors/swtpm_door.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/swtpm_chip.h"
#include "scenarios/live/doors/swtpm_data.h"
#include "scenarios/live/doors/swtpm_requests.h"

namespace vtwin::scenario::live {

using swtpm::chip;
using tpm::bytes;

namespace {

/// A socket of the data channel that came over a control connection, and the locality that holds there.
struct passed_channel {
    explicit passed_channel(stream_socket given) : socket(std::move(given)) {}
    stream_socket socket;
    std::uint8_t locality = 0;
};

/// A control connection and what belongs to it.
struct control_client {
    control_client(stream_socket given, std::shared_ptr<chip> shared, door_context& around)
        : socket(std::move(given)), tpm(std::move(shared)), context(around), requests(socket) {}
    stream_socket socket;
    std::shared_ptr<chip> tpm;
    door_context& context;
    swtpm::request_reader requests;  ///< of `socket`
    std::shared_ptr<passed_channel> data;
};

asio::awaitable<void> serve_passed(std::shared_ptr<passed_channel> channel, door_context& context) {
    device_file device(context, false);
    co_await swtpm::serve_data(channel->socket, device, context, channel->locality);
    asio::error_code ignored;
    channel->socket.close(ignored);
}

asio::awaitable<void> serve_data_client(stream_socket client, std::shared_ptr<chip> tpm,
                                        door_context& context) {
    device_file device(context, false);
    co_await swtpm::serve_data(client, device, context, tpm->locality);
}

/// SET_DATAFD: one socket per connection.
std::uint32_t set_data_file(control_client& client) {
    auto file = client.requests.take_file();
    if (!file || (client.data && client.data->socket.is_open()))
        return swtpm::result::io_error;
    auto adopted = adopt_stream(client.context.loop.io(), std::move(*file));
    if (!adopted)
        return swtpm::result::io_error;
    client.data = std::make_shared<passed_channel>(std::move(*adopted));
    client.data->locality = client.tpm->locality;
    asio::co_spawn(client.context.loop.io(), serve_passed(client.data, client.context), asio::detached);
    return swtpm::result::success;
}

std::uint32_t set_locality(control_client& client, std::uint8_t wanted) {
    if (wanted > swtpm::highest_locality)
        return swtpm::result::bad_locality;
    (client.data ? client.data->locality : client.tpm->locality) = wanted;
    return swtpm::result::success;
}

asio::awaitable<bytes> answer_to(control_client& client, swtpm::request asked) {
    bytes answered;
    if (asked.what == swtpm::command::set_locality)
        answered = swtpm::print_result(set_locality(client, asked.locality));
    else if (asked.what == swtpm::command::set_datafd)
        answered = swtpm::print_result(set_data_file(client));
    else
        answered = co_await client.tpm->answer_to(std::move(asked));
    co_return answered;
}

asio::awaitable<void> serve_requests(control_client& client) {
    using seen_kind = swtpm::reading::kind;
    while (true) {
        std::optional<swtpm::reading> seen = co_await client.requests.next();
        if (!seen)
            co_return;
        const bool last = seen->what == seen_kind::lost ||
                          (seen->what == seen_kind::complete && seen->asked.what == swtpm::command::shutdown);
        bytes answered = swtpm::print_result(seen->code);
        if (seen->what == seen_kind::complete)
            answered = co_await answer_to(client, std::move(seen->asked));
        const bool written = co_await write_all(client.socket, answered);
        if (!written || last)
            co_return;
    }
}

asio::awaitable<void> serve_control_client(stream_socket socket, std::shared_ptr<chip> tpm,
                                           door_context& context) {
    control_client client(std::move(socket), std::move(tpm), context);
    co_await serve_requests(client);
    asio::error_code ignored;
    if (client.data)
        client.data->socket.close(ignored);
}

asio::awaitable<void> accept_data(std::shared_ptr<listener> from, std::shared_ptr<chip> tpm,
                                  door_context& context) {
    while (true) {
        stream_socket client = co_await from->accept();
        asio::co_spawn(context.loop.io(), serve_data_client(std::move(client), tpm, context), asio::detached);
    }
}

asio::awaitable<void> accept_control(std::shared_ptr<listener> from, std::shared_ptr<chip> tpm,
                                     door_context& context) {
    while (true) {
        stream_socket client = co_await from->accept();
        asio::co_spawn(context.loop.io(), serve_control_client(std::move(client), tpm, context),
                       asio::detached);
    }
}

}  // namespace

swtpm_door::swtpm_door(const listen_spec& spec, door_context& context)
    : m_data(std::make_shared<listener>(context.loop.io(), spec)),
      m_control(std::make_shared<listener>(context.loop.io(), spec, 1)) {
    const auto tpm = std::make_shared<chip>(context);
    asio::co_spawn(context.loop.io(), accept_data(m_data, tpm, context), asio::detached);
    asio::co_spawn(context.loop.io(), accept_control(m_control, tpm, context), asio::detached);
}

}  // namespace vtwin::scenario::live
