#include "traces/track_sheet.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/traces/trace_events.h"

using namespace vtwin::trace;

namespace {

/// "phase name track time", one line per beginning of a slice and arrow.
std::string drawn(const std::string& text) {
    std::map<std::uint64_t, std::string> tracks;
    std::string lines;
    const auto json = nlohmann::json::parse(text);
    for (const auto& each : json["traceEvents"]) {
        if (each["ph"] == "E")
            continue;
        if (each["name"] == "thread_name")
            tracks[each["tid"]] = each["args"]["name"];
        if (each["ph"] != "M")
            lines += each["ph"].get<std::string>() + ' ' + each["name"].get<std::string>() + " [" +
                     tracks.at(each["tid"]) + "] " +
                     std::to_string(static_cast<int>(each["ts"].get<double>())) + '\n';
    }
    return lines;
}

constexpr std::uint64_t us = 1'000'000;

}  // namespace

TEST_CASE("slices that overlap get tracks of their own and those that touch share one") {
    std::ostringstream out;
    trace_event_writer file(out);
    track_sheet sheet(file);
    sheet.begin_process(1, "guest1");
    sheet.add_track("commands", "c",
                    {{5 * us, 9 * us, "b", {}},
                     {1 * us, 5 * us, "a", {}},
                     {6 * us, 7 * us, "c", {}},
                     {7 * us, 8 * us, "d", {}}});
    sheet.add_track("none", "c", {});
    sheet.draw_arrows();
    REQUIRE(file.finish());
    CHECK(drawn(out.str()) ==
          "B a [commands] 1\nB b [commands] 5\nB c [commands (2)] 6\nB d [commands (2)] 7\n");
    CHECK(out.str().find("none") == std::string::npos);
}

TEST_CASE("arrows follow a number over processes by time and then by depth") {
    std::ostringstream out;
    trace_event_writer file(out);
    track_sheet sheet(file);
    sheet.begin_process(1, "guest1");
    sheet.add_track("commands", "c",
                    {{1 * us, 9 * us, "first", {}, 4, 0}, {9 * us, 10 * us, "alone", {}, 5, 0}});
    sheet.begin_process(2, "vtpm1");
    sheet.add_track("chip", "c", {{4 * us, 6 * us, "last", {}, 4, 2}, {4 * us, 6 * us, "apart", {}}});
    sheet.add_track("serving", "c", {{4 * us, 8 * us, "middle", {}, 4, 1}});
    sheet.draw_arrows();
    REQUIRE(file.finish());
    const std::string text = drawn(out.str());
    CHECK(text.substr(text.find("s first")) ==
          "s first [commands] 1\nt first [serving] 4\nf first [chip] 4\n");
    CHECK(out.str().find("\"id\":5") == std::string::npos);
}

TEST_CASE("arrows touch the slice that begins and not the one that ends there") {
    std::ostringstream out;
    trace_event_writer file(out);
    track_sheet sheet(file);
    sheet.begin_process(1, "guest1");
    sheet.add_track("commands", "c", {{1 * us, 5 * us, "a", {}, 1, 0}, {5 * us, 9 * us, "b", {}, 2, 0}});
    sheet.add_track("serving", "c",
                    {{3 * us, 5 * us, "a", {}, 1, 1},
                     {5 * us, 5 * us + 400, "b", {}, 2, 1},
                     {7 * us, 7 * us, "cancelled", {}, 2, 2}});
    sheet.draw_arrows();
    REQUIRE(file.finish());
    const vtwin::test::trace_events events(out.str());
    CHECK(events.problem == "");
    CHECK(events.journeys == std::map<std::uint64_t, std::string>{{1, "guest1/commands > guest1/serving"},
                                                                  {2, "guest1/serving > guest1/commands"}});
    CHECK(out.str().find("\"id\":1,\"ts\":1.001000}") != std::string::npos);
    CHECK(out.str().find("\"id\":2,\"ts\":5.000400}") != std::string::npos);
}
