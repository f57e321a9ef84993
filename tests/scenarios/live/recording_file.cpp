#include "scenarios/live/recording_file.h"

#include <catch2/catch.hpp>

#include "models/hex.h"
#include "scenarios/live/pace.h"
#include "scenarios/schema/problem.h"

using namespace vtwin;
using namespace vtwin::scenario::live;
using models::live::answer;
using models::live::operation;
using models::live::start_mode;

namespace {

std::string recording_mistake(const std::string& text) {
    try {
        (void)parse_recording(text, "r");
        return "";
    } catch (const scenario::user_error& error) {
        return error.what();
    }
}

const std::string head = "{\"vtwin_recording\":1,\"tpm\":\"2.0\",\"start\":\"init\"}\n";

}  // namespace

TEST_CASE("a recording is read back as it was written") {
    models::live::recorded_operation command;
    command.what.data = *models::from_hex("80010000000c0000017b0010");
    command.what.locality = 3;
    command.what.file = 7;
    command.think = sc_core::sc_time(1234567, sc_core::SC_NS);
    command.answered = *models::from_hex("80010000000a00000101");
    models::live::recorded_operation power;
    power.what.what = operation::kind::power_on;
    power.status = answer::status::failed;
    const std::string text = print_header(tpm::family::tpm20, start_mode::init) + print_operation(command) +
                             print_operation(power);
    CHECK(text == head +
                      R"({"operation":"command","think_ns":1234567,"locality":3,"file":7,)"
                      R"("data":"80010000000c0000017b0010","status":"done","answer":"80010000000a00000101"})"
                      "\n"
                      R"({"operation":"power_on","think_ns":0,"status":"failed"})"
                      "\n");
    const auto read = parse_recording(text, "r");
    CHECK(read.version == tpm::family::tpm20);
    CHECK(read.start == start_mode::init);
    REQUIRE(read.operations.size() == 2);
    CHECK(read.operations[0].what.data == command.what.data);
    CHECK(read.operations[0].what.locality == 3);
    CHECK(read.operations[0].what.file == 7);
    CHECK(read.operations[0].think == command.think);
    CHECK(read.operations[0].answered == command.answered);
    CHECK(read.operations[1].what.what == operation::kind::power_on);
    CHECK(read.operations[1].status == answer::status::failed);
}

TEST_CASE("a recording says when it was made at the hardware") {
    const std::string text =
        print_header(tpm::family::tpm12, start_mode::dom0, models::live::place::hardware);
    CHECK(text == "{\"vtwin_recording\":1,\"tpm\":\"1.2\",\"start\":\"dom0\",\"at\":\"hardware\"}\n");
    const auto read = parse_recording(text, "r");
    CHECK(read.at == models::live::place::hardware);
    CHECK(read.start == start_mode::dom0);
    CHECK(parse_recording(head, "r").at == models::live::place::guest);
    CHECK(recording_mistake("{\"vtwin_recording\":1,\"tpm\":\"1.2\",\"start\":\"dom0\"}\n")
              .find("r:1: start: dom0") != std::string::npos);
    CHECK(
        recording_mistake("{\"vtwin_recording\":1,\"tpm\":\"1.2\",\"start\":\"init\",\"at\":\"hardwear\"}\n")
            .find("did you mean 'hardware'?") != std::string::npos);
}

TEST_CASE("a recording with a mistake is refused with its line and key") {
    CHECK(recording_mistake("") == "r:1: an empty file is no recording");
    CHECK(recording_mistake("hello\n") == "r:1: not a line of a recording: expected a JSON object");
    CHECK(recording_mistake("{\"vtwin_recording\":2,\"tpm\":\"2.0\",\"start\":\"init\"}\n") ==
          "r:1: vtwin_recording: expected 1: a recording by another version, or no recording");
    CHECK(recording_mistake("{\"vtwin_recording\":1,\"tpm\":\"1.1\",\"start\":\"init\"}\n") ==
          "r:1: tpm: '1.1' is none of 1.2, 2.0; did you mean '1.2'?");
    CHECK(recording_mistake(head + "{\"operation\":\"comand\",\"status\":\"done\"}\n") ==
          "r:2: operation: there is no operation 'comand'");
    CHECK(recording_mistake(head + "{\"operation\":\"command\",\"status\":\"done\",\"date\":\"00\"}\n") ==
          "r:2: date: unknown key; did you mean 'data'?");
    CHECK(recording_mistake(head + "{\"operation\":\"command\",\"status\":\"done\",\"data\":\"0x\"}\n") ==
          "r:2: data: expected hexadecimal octets");
    CHECK(recording_mistake(head + "{\"operation\":\"command\",\"status\":\"done\",\"locality\":256}\n") ==
          "r:2: locality: expected a number from 0 to 255");
    CHECK(recording_mistake(head + "{\"operation\":\"command\",\"status\":\"done\",\"think_ns\":-1}\n") ==
          "r:2: think_ns: expected a number from 0 to 9223372036854775");
    CHECK(recording_mistake(head + "{\"operation\":7}\n") == "r:2: operation: expected a text");
}

TEST_CASE("a last line that was cut off is as if it had not been written") {
    const std::string whole = "{\"operation\":\"command\",\"status\":\"done\",\"data\":\"8001\"}";
    const auto operations = [&](const std::string& last) {
        return parse_recording(head + whole + '\n' + last, "r").operations.size();
    };
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(operations(whole.substr(0, size)) == 1);
    CHECK(operations(whole) == 2);
    CHECK(recording_mistake(head + whole.substr(1) + '\n' + whole) ==
          "r:2: not a line of a recording: expected a JSON object");
    CHECK(recording_mistake("{\"vtwin_rec") == "r:1: not a line of a recording: expected a JSON object");
}

TEST_CASE("a client may think as long as any pace can make it") {
    models::live::recorded_operation what;
    what.think = paced_clock::horizon();
    const auto read = parse_recording(head + print_operation(what), "r");
    REQUIRE(read.operations.size() == 1);
    CHECK(read.operations[0].think == sc_core::sc_time::from_value(9223372036854775000));
}
