#include "scenarios/live/doors/mssim_door.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/mssim_reader.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario::live {
namespace {

using extent = mssim_extent::kind;
using operation_kind = operation::kind;

/// Empty: the session is over.
asio::awaitable<tpm::bytes> transmit(device_file& device, door_context& context, mssim_request request) {
    const auto& command = request.data;
    const bool framed =
        command.size() >= frame_header_size && tpm::packet::size_of(command) == command.size();
    tpm::bytes response;
    if (framed)
        response = co_await device.transmit(std::move(request.data), request.locality);
    else
        response = malformed_response(context.version);
    if (response.empty())
        co_return response;
    tpm::bytes answered = mssim_response(response);
    co_return answered;
}

/// Done, or the machine is off, which the simulator does not say; empty: the session is over.
asio::awaitable<tpm::bytes> perform(door_context& context, operation what) {
    answer result = co_await context.loop.perform(std::move(what));
    tpm::bytes answered;
    if (result.what != answer::status::closed)
        answered = mssim_acknowledgement();
    co_return answered;
}

asio::awaitable<tpm::bytes> switch_power(door_context& context, bool on) {
    tpm::bytes answered = mssim_acknowledgement();
    if (context.loop.powered() != on) {
        operation what;
        what.what = on ? operation_kind::power_on : operation_kind::power_off;
        answered = co_await perform(context, std::move(what));
    }
    co_return answered;
}

asio::awaitable<tpm::bytes> cycle_power(door_context& context) {
    tpm::bytes answered = mssim_acknowledgement();
    if (!context.loop.powered())
        co_return answered;
    answered = co_await switch_power(context, false);
    if (!answered.empty())
        answered = co_await switch_power(context, true);
    co_return answered;
}

/// Empty: nothing is answered, and the connection ends.
asio::awaitable<tpm::bytes> serve_command(device_file& device, door_context& context, mssim_request request) {
    tpm::bytes answered;
    operation what;
    switch (request.code) {
        case mssim_code::send_command:
            answered = co_await transmit(device, context, std::move(request));
            break;
        case mssim_code::hash_start:
            what.what = operation_kind::hash_start;
            answered = co_await perform(context, std::move(what));
            break;
        case mssim_code::hash_data:
            what.what = operation_kind::hash_data;
            what.data = std::move(request.data);
            answered = co_await perform(context, std::move(what));
            break;
        case mssim_code::hash_end:
            what.what = operation_kind::hash_end;
            answered = co_await perform(context, std::move(what));
            break;
        case mssim_code::handshake:
            if (request.number != 0)  // the simulator hangs up on a client of version 0, too
                answered = mssim_handshake();
            break;
        case mssim_code::alternative_result:
            answered = mssim_acknowledgement();
            break;
        default:  // SESSION_END, STOP
            break;
    }
    co_return answered;
}

asio::awaitable<tpm::bytes> set_presence(door_context& context, bool on) {
    operation what;
    what.what = operation_kind::presence;
    what.data.push_back(std::byte{on});
    tpm::bytes answered = co_await perform(context, std::move(what));
    co_return answered;
}

asio::awaitable<tpm::bytes> serve_platform(door_context& context, mssim_code code) {
    tpm::bytes answered;
    switch (code) {
        case mssim_code::power_on:
        case mssim_code::power_off:
            answered = co_await switch_power(context, code == mssim_code::power_on);
            break;
        case mssim_code::reset:
        case mssim_code::restart:
            answered = co_await cycle_power(context);
            break;
        case mssim_code::presence_on:
        case mssim_code::presence_off:
            answered = co_await set_presence(context, code == mssim_code::presence_on);
            break;
        case mssim_code::command_response_sizes:
            answered = mssim_no_sizes();
            break;
        case mssim_code::act_signaled:
            answered = mssim_number(0);
            break;
        case mssim_code::session_end:
        case mssim_code::stop:
            break;
        default:
            answered = mssim_acknowledgement();
            break;
    }
    co_return answered;
}

asio::awaitable<void> serve_client(stream_socket client, door_context& context, mssim_port port,
                                   bool resource_manager) {
    device_file device(context, resource_manager);
    while (true) {
        mssim_received read = co_await read_mssim_request(client, port);
        if (read.what == extent::unknown) {
            const tpm::bytes refusal = mssim_refusal();
            co_await write_all(client, refusal);
        }
        if (read.what == extent::unknown || read.what == extent::too_long)
            context.say("a client sent what is no request of the simulator's: its connection is closed");
        if (read.what != extent::complete)
            co_return;
        tpm::bytes answered;
        if (port == mssim_port::command)
            answered = co_await serve_command(device, context, std::move(read.request));
        else
            answered = co_await serve_platform(context, read.request.code);
        if (answered.empty())
            co_return;
        const bool written = co_await write_all(client, answered);
        if (!written)
            co_return;
    }
}

asio::awaitable<void> accept_clients(std::shared_ptr<listener> from, door_context& context, mssim_port port,
                                     bool resource_manager) {
    while (true) {
        stream_socket client = co_await from->accept();
        asio::co_spawn(context.loop.io(), serve_client(std::move(client), context, port, resource_manager),
                       asio::detached);
    }
}

}  // namespace

mssim_door::mssim_door(const listen_spec& spec, door_context& context)
    : m_commands(std::make_shared<listener>(context.loop.io(), spec, 0)),
      m_platform(std::make_shared<listener>(context.loop.io(), spec, 1)) {
    asio::co_spawn(context.loop.io(),
                   accept_clients(m_commands, context, mssim_port::command, spec.resource_manager),
                   asio::detached);
    asio::co_spawn(context.loop.io(), accept_clients(m_platform, context, mssim_port::platform, false),
                   asio::detached);
}

}  // namespace vtwin::scenario::live
