#include "scenarios/cli/attest_command.h"

#include <asio/connect.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "models/attestation/json_gate.h"
#include "models/attestation/messages.h"
#include "scenarios/config/files.h"
#include "scenarios/live/listen_spec.h"
#include "scenarios/report/text.h"
#include "scenarios/report/verdict_text.h"
#include "scenarios/runner/run.h"

namespace vtwin::scenario {
namespace {

/// A verdict has a line per measured file at most.
constexpr std::size_t longest_answer = std::size_t{16} << 20;

struct attest_line {
    std::string door, firmware_log, ima_list;
};

/// An optional file; securityfs files may grow while they are read, but never shrink.
models::bytes content_of(const char* option, const std::string& file) {
    if (file.empty())
        return {};
    auto read = read_file(file);
    if (!read.content)
        throw user_error({std::string(option) + ' ' + file}, "", read.reason);
    return std::move(*read.content);
}

std::string request_of(const attest_line& line) {
    models::attest_request request;
    request.firmware_log = content_of("--firmware-log", line.firmware_log);
    const models::bytes list = content_of("--ima-list", line.ima_list);
    request.ima_log.assign(reinterpret_cast<const char*>(list.data()), list.size());
    return to_json(request) + '\n';
}

/// One line there, one back. Throws user_error when nobody serves that door.
std::string ask(const std::string& door, const std::string& request) {
    const live::listen_spec where = live::parse_listen_spec("attest:" + door, true);
    asio::io_context io;
    asio::generic::stream_protocol::socket socket(io);
    asio::error_code error;
    if (!where.path.empty())
        socket.connect(asio::local::stream_protocol::endpoint(where.path), error);
    else
        socket.connect(asio::ip::tcp::endpoint(asio::ip::make_address(where.host), where.port), error);
    if (error)
        throw user_error({door}, "", "no door is there: " + error.message());
    std::string answer;
    asio::write(socket, asio::buffer(request), error);
    if (!error)
        asio::read_until(socket, asio::dynamic_buffer(answer, longest_answer), '\n', error);
    if (error == asio::error::not_found)
        throw user_error({door}, "", "is no attest door: its answer does not end");
    if (error)
        throw user_error({door}, "", "the door was closed before it answered");
    return answer;
}

/// What {"problem":"..."} says.
std::string problem_in(const std::string& answer) {
    models::json_gate gate;
    if (nlohmann::json::sax_parse(answer, &gate)) {
        const auto said = nlohmann::json::parse(answer, nullptr, false);
        const auto problem = said.is_object() ? said.find("problem") : said.end();
        if (problem != said.end() && problem->is_string())
            return problem->get<std::string>();
    }
    return "not an attest door";
}

int attest(const attest_line& line, std::ostream& out) {
    const std::string answer = ask(line.door, request_of(line));
    if (const auto verdict = models::from_json<models::verdict>(answer)) {
        out << report::verdict_title(*verdict) << '\n' << report::verdict_reasons(*verdict);
        return static_cast<int>(verdict->trusted ? exit_code::ok : exit_code::expectation_failed);
    }
    out << "not attested: " << report::printable(problem_in(answer)) << '\n';
    return static_cast<int>(exit_code::expectation_failed);
}

}  // namespace

std::function<std::optional<int>(std::ostream&)> add_attest_command(CLI::App& app) {
    auto line = std::make_shared<attest_line>();
    CLI::App* command =
        app.add_subcommand("attest", "have a served guest attested now, and show the verifier's verdict");
    command->add_option("DOOR", line->door, "where `serve` listens with attest: unix:PATH or tcp:[HOST:]PORT")
        ->required();
    command->add_option("--firmware-log", line->firmware_log,
                        "what the guest's firmware logged (securityfs' tpm0/binary_bios_measurements)");
    command->add_option("--ima-list", line->ima_list,
                        "what its kernel measured (securityfs' ima/ascii_runtime_measurements)");
    return [line, command](std::ostream& out) -> std::optional<int> {
        if (!command->parsed())
            return std::nullopt;
        return attest(*line, out);
    };
}

}  // namespace vtwin::scenario
