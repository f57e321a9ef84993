#include "scenarios/live/doors/attest_door.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <nlohmann/json.hpp>

#include "models/attestation/messages.h"
#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/lines.h"

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

asio::awaitable<void> say_line(stream_socket& client, std::string said, bool& heard) {
    said += '\n';
    const tpm::byte_view octets = std::as_bytes(std::span(said));
    heard = co_await write_all(client, octets);
}

asio::awaitable<void> serve_requests(stream_socket& client, door_context& context) {
    line_reader lines(client, longest_attest_request);
    bool heard = true;
    while (heard) {
        line_reader::line line = co_await lines.next();
        if (line.what == line_reader::line::kind::ended)
            co_return;
        std::string said;
        const bool whole = line.what == line_reader::line::kind::complete;
        if (!whole || !models::from_json<models::attest_request>(line.text)) {
            context.say("a client at an attest door sent what is no request");
            said = problem_line(R"(expected a line {"firmware_log":"<hexadecimal>","ima_log":"<text>"})");
        } else {
            operation what;
            what.what = operation::kind::attest;
            const auto octets = std::as_bytes(std::span(line.text));
            what.data.assign(octets.begin(), octets.end());
            std::string().swap(line.text);
            const answer result = co_await context.loop.perform(std::move(what));
            said = line_of(result);
        }
        co_await say_line(client, std::move(said), heard);
        heard = heard && whole;
    }
}

asio::awaitable<void> serve_client(stream_socket client, std::shared_ptr<unsigned> clients,
                                   door_context& context) {
    bool ignored = true;
    if (*clients == most_attest_clients) {
        std::string said = problem_line("too many clients");
        co_await say_line(client, std::move(said), ignored);
        co_return;
    }
    ++*clients;
    co_await serve_requests(client, context);
    --*clients;
}

asio::awaitable<void> accept_clients(std::shared_ptr<listener> from, door_context& context) {
    const auto clients = std::make_shared<unsigned>(0);
    while (true) {
        stream_socket client = co_await from->accept();
        asio::co_spawn(context.loop.io(), serve_client(std::move(client), clients, context), asio::detached);
    }
}

}  // namespace

attest_door::attest_door(const listen_spec& spec, door_context& context)
    : m_listener(std::make_shared<listener>(context.loop.io(), spec)) {
    asio::co_spawn(context.loop.io(), accept_clients(m_listener, context), asio::detached);
}

}  // namespace vtwin::scenario::live
