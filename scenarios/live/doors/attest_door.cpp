#include "scenarios/live/doors/attest_door.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "models/attestation/messages.h"
#include "scenarios/live/doors/frames.h"

namespace vtwin::scenario::live {
namespace {

std::string problem_line(const std::string& problem) {
    const nlohmann::json said = {{"problem", problem}};
    return said.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string line_of(const answer& result) {
    std::string text(reinterpret_cast<const char*>(result.data.data()), result.data.size());
    if (result.ok())
        return text;
    if (result.what == answer::status::no_power)
        return problem_line("the machine is switched off");
    return problem_line(text.empty() ? "the session is over" : text);
}

asio::awaitable<void> serve_client(stream_socket client, door_context& context) {
    std::string received;
    while (true) {
        asio::error_code error;
        auto token = asio::redirect_error(asio::use_awaitable, error);
        auto buffer = asio::dynamic_buffer(received, longest_attest_request);
        const std::size_t length = co_await asio::async_read_until(client, buffer, '\n', token);
        if (error && error != asio::error::not_found)
            co_return;
        std::string line = received.substr(0, length);
        std::string said;
        if (error || !models::from_json<models::attest_request>(line)) {
            context.say("a client at an attest door sent what is no request");
            said = problem_line(R"(expected a line {"firmware_log":"<hexadecimal>","ima_log":"<text>"})");
        } else {
            operation what;
            what.what = operation::kind::attest;
            const auto octets = std::as_bytes(std::span(line));
            what.data.assign(octets.begin(), octets.end() - 1);
            const answer result = co_await context.loop.perform(std::move(what));
            said = line_of(result);
        }
        said += '\n';
        received.erase(0, length);
        const tpm::byte_view octets = std::as_bytes(std::span(said));
        const bool written = co_await write_all(client, octets);
        if (error || !written)
            co_return;
    }
}

asio::awaitable<void> accept_clients(std::shared_ptr<listener> from, door_context& context) {
    while (true) {
        stream_socket client = co_await from->accept();
        asio::co_spawn(context.loop.io(), serve_client(std::move(client), context), asio::detached);
    }
}

}  // namespace

attest_door::attest_door(const listen_spec& spec, door_context& context)
    : m_listener(std::make_shared<listener>(context.loop.io(), spec)) {
    asio::co_spawn(context.loop.io(), accept_clients(m_listener, context), asio::detached);
}

}  // namespace vtwin::scenario::live
