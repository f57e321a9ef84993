#include "traces/trace_event_writer.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace vtwin::trace;

TEST_CASE("a trace of events is valid JSON and its times are exact") {
    std::ostringstream out;
    trace_event_writer file(out);
    file.name_process(3, "guest1", 0);
    file.name_thread({3, 1001}, "commands", 2);
    file.slice({3, 1001}, 1'234'567'890'123, 1'234'567'890'124, "command", "TPM_\"Extend\\\"\n\xE4",
               {{"number", std::uint64_t{18446744073709551615U}}, {"result", "none"}});
    file.flow(trace_event_writer::flow_phase::start, 7, {3, 1001}, 1'234'567'890'123, "TPM_Extend");
    file.flow(trace_event_writer::flow_phase::finish, 7, {3, 1001}, 5, "TPM_Extend");
    REQUIRE(file.finish());

    const std::string text = out.str();
    CHECK(text.find("\"ts\":1234567.890123,\"args\":") != std::string::npos);
    CHECK(text.find("{\"ph\":\"E\",\"pid\":3,\"tid\":1001,\"ts\":1234567.890124}") != std::string::npos);
    CHECK(text.find("\"ts\":0.000005}") != std::string::npos);
    const auto json = nlohmann::json::parse(text);
    CHECK(json["displayTimeUnit"] == "ns");
    const auto& events = json["traceEvents"];
    REQUIRE(events.size() == 8);
    CHECK(events[0]["ph"] == "M");
    CHECK(events[0]["name"] == "process_name");
    CHECK(events[0]["args"]["name"] == "guest1");
    CHECK(events[1]["args"]["sort_index"] == 0);
    CHECK(events[2]["tid"] == 1001);
    CHECK(events[2]["args"]["name"] == "commands");
    CHECK(events[4]["ph"] == "B");
    CHECK(events[4]["name"] == "TPM_\"Extend\\\"\n\u00E4");
    CHECK(events[4]["args"]["number"] == 18446744073709551615U);
    CHECK(events[4]["args"]["result"] == "none");
    CHECK(events[6]["ph"] == "s");
    CHECK(events[6]["id"] == 7);
    CHECK_FALSE(events[6].contains("bp"));
    CHECK(events[7]["ph"] == "f");
    CHECK(events[7]["bp"] == "e");
}

TEST_CASE("a trace without events is valid JSON too") {
    std::ostringstream out;
    trace_event_writer file(out);
    REQUIRE(file.finish());
    CHECK(nlohmann::json::parse(out.str())["traceEvents"].empty());
}
