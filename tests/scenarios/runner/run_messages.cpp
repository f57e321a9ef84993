#include "scenarios/runner/run_messages.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace vtwin::scenario {
namespace {

using sc_core::SC_MS;
using sc_core::sc_time;

campaign_message golden(std::size_t lines) {
    campaign_message message;
    message.what = campaign_message::kind::golden;
    message.task = 3;
    message.crossings = {1, 0, UINT64_MAX};
    auto& record = message.record;
    record.finished = true;
    record.end = sc_time(7, SC_MS);
    record.exact = "e";
    record.results = "r";
    record.facts = {{"guest1.verdict", "trusted"}};
    record.violations = {{"I-A3", outcome_class::silent_corruption, sc_time(5, SC_MS), "vtpm1", "text"}};
    for (std::size_t i = 0; i < lines; ++i)
        record.history.push_back({sc_time(1, SC_MS), "guest1", std::string(100, 'x') + "\xff", i == 0});
    return message;
}

}  // namespace

TEST_CASE("messages between processes arrive as they were sent") {
    const auto sent = golden(2);
    const auto got = decode(encode(sent));
    REQUIRE(got);
    CHECK(got->what == sent.what);
    CHECK(got->task == 3);
    CHECK(got->crossings == sent.crossings);
    CHECK(got->record.facts == sent.record.facts);
    CHECK(got->record.end == sent.record.end);
    REQUIRE(got->record.violations.size() == 1);
    CHECK(got->record.violations[0].at == sc_time(5, SC_MS));
    REQUIRE(got->record.history.size() == 2);
    CHECK(got->record.history[0].text == sent.record.history[0].text);
    CHECK(got->record.history[0].error);
    CHECK_FALSE(decode("no message"));
    CHECK_FALSE(decode(encode(sent).substr(0, 40)));
}

TEST_CASE("messages come whole from several processes") {
    message_channel channel;
    CHECK_FALSE(channel.receive(0));
    for (std::uint64_t id = 1; id <= 3; ++id) {
        if (fork() == 0) {
            campaign_message message;
            message.what = campaign_message::kind::result;
            message.run.id = id;
            message.run.result.summary = std::string(20'000, static_cast<char>('0' + id));
            channel.send(std::move(message));
            _exit(0);
        }
    }
    std::uint64_t sum = 0;
    for (int i = 0; i < 3; ++i) {
        const auto message = channel.receive(10'000);
        REQUIRE(message);
        sum += message->run.id;
        CHECK(message->run.result.summary == std::string(20'000, static_cast<char>('0' + message->run.id)));
    }
    CHECK(sum == 6);
    while (wait(nullptr) > 0) {
    }
}

TEST_CASE("a record that is too large for a message loses the end of its history only") {
    message_channel channel;
    const pid_t sender = fork();
    if (sender == 0) {
        channel.send(golden(200'000));
        _exit(0);
    }
    const auto message = channel.receive(10'000);
    REQUIRE(message);
    CHECK(message->record.exact == "e");
    CHECK(message->record.history.size() < 200'000);
    CHECK(message->record.history.size() > 100);
    waitpid(sender, nullptr, 0);
}

}  // namespace vtwin::scenario
