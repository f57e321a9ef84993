#include "scenarios/runner/run_messages.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

namespace vtwin::scenario {

using nlohmann::json;
using sc_core::sc_time;

namespace {

constexpr int buffer_bytes = 4 * 1024 * 1024;

json packed(const violation& what) {
    return {what.invariant, static_cast<int>(what.worst), what.at.value(), what.subject, what.text};
}

violation violation_of(const json& from) {
    violation made;
    made.invariant = from.at(0);
    made.worst = static_cast<outcome_class>(from.at(1).get<int>());
    made.at = sc_time::from_value(from.at(2).get<std::uint64_t>());
    made.subject = from.at(3);
    made.text = from.at(4);
    return made;
}

json packed(const std::vector<violation>& all) {
    json list = json::array();
    for (const auto& each : all)
        list.push_back(packed(each));
    return list;
}

std::vector<violation> violations_of(const json& from) {
    std::vector<violation> all;
    for (const auto& each : from)
        all.push_back(violation_of(each));
    return all;
}

json packed(const finished_run& run) {
    return {{"id", run.id},
            {"class", static_cast<int>(run.result.worst)},
            {"violations", packed(run.result.violations)},
            {"summary", run.result.summary},
            {"begun", run.faults_begun},
            {"first", run.first_begun.value()},
            {"end", run.end.value()},
            {"fingerprint", run.fingerprint}};
}

finished_run run_of(const json& from) {
    finished_run run;
    run.id = from.at("id");
    run.result.worst = static_cast<outcome_class>(from.at("class").get<int>());
    run.result.violations = violations_of(from.at("violations"));
    run.result.summary = from.at("summary");
    run.faults_begun = from.at("begun");
    run.first_begun = sc_time::from_value(from.at("first").get<std::uint64_t>());
    run.end = sc_time::from_value(from.at("end").get<std::uint64_t>());
    run.fingerprint = from.at("fingerprint");
    return run;
}

json packed(const run_record& record) {
    json history = json::array();
    for (const auto& line : record.history)
        history.push_back({line.at.value(), line.who, line.text, line.error});
    return {{"finished", record.finished}, {"problem", record.problem},
            {"end", record.end.value()},   {"begun", record.faults_begun},
            {"exact", record.exact},       {"results", record.results},
            {"facts", record.facts},       {"violations", packed(record.violations)},
            {"history", history}};
}

run_record record_of(const json& from) {
    run_record record;
    record.finished = from.at("finished");
    record.problem = from.at("problem");
    record.end = sc_time::from_value(from.at("end").get<std::uint64_t>());
    record.faults_begun = from.at("begun");
    record.exact = from.at("exact");
    record.results = from.at("results");
    record.facts = from.at("facts").get<std::map<std::string, std::string>>();
    record.violations = violations_of(from.at("violations"));
    for (const auto& line : from.at("history"))
        record.history.push_back(
            {sc_time::from_value(line.at(0).get<std::uint64_t>()), line.at(1), line.at(2), line.at(3)});
    return record;
}

}  // namespace

/// CBOR: guests' texts may be no UTF-8, which JSON would refuse.
std::string encode(const campaign_message& message) {
    using kind = campaign_message::kind;
    json body = {{"what", static_cast<int>(message.what)}, {"task", message.task}, {"text", message.text}};
    if (message.what == kind::result)
        body["run"] = packed(message.run);
    if (message.what == kind::golden) {
        body["record"] = packed(message.record);
        body["crossings"] = message.crossings;
    }
    std::string bytes;
    json::to_cbor(body, bytes);
    return bytes;
}

std::optional<campaign_message> decode(const std::string& bytes) {
    using kind = campaign_message::kind;
    try {
        const json body = json::from_cbor(bytes);
        campaign_message message;
        message.what = static_cast<kind>(body.at("what").get<int>());
        message.task = body.at("task");
        message.text = body.at("text");
        if (message.what == kind::result)
            message.run = run_of(body.at("run"));
        if (message.what == kind::golden) {
            message.record = record_of(body.at("record"));
            message.crossings = body.at("crossings").get<std::vector<std::uint64_t>>();
        }
        return message;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

message_channel::message_channel() {
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, m_ends) != 0)
        throw std::system_error(errno, std::generic_category(), "no channel between processes");
    // The kernel gives what it allows; messages are cut to what fits.
    ::setsockopt(m_ends[1], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
}

message_channel::~message_channel() {
    ::close(m_ends[0]);
    ::close(m_ends[1]);
}

void message_channel::send(campaign_message message) const {
    for (;;) {
        const auto bytes = encode(message);
        ssize_t sent = -1;
        do
            sent = ::send(m_ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL);
        while (sent < 0 && errno == EINTR);
        if (sent >= 0)
            return;
        auto& history = message.record.history;
        const bool too_large = errno == EMSGSIZE || errno == ENOBUFS;
        if (!too_large || history.empty())
            throw std::system_error(errno, std::generic_category(), "a result cannot be handed over");
        history.resize(history.size() / 2);
    }
}

std::optional<campaign_message> message_channel::receive(int milliseconds) {
    pollfd waiting{m_ends[0], POLLIN, 0};
    if (::poll(&waiting, 1, milliseconds) <= 0)
        return std::nullopt;
    const auto size = ::recv(m_ends[0], nullptr, 0, MSG_PEEK | MSG_TRUNC);
    if (size < 0)
        return std::nullopt;
    std::string bytes(static_cast<std::size_t>(size), '\0');
    const auto got = ::recv(m_ends[0], bytes.data(), bytes.size(), 0);
    if (got != size)
        return std::nullopt;
    return decode(bytes);
}

}  // namespace vtwin::scenario
