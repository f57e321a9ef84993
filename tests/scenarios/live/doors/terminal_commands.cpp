// A stream in the place of an open device.
#include "scenarios/live/doors/terminal_commands.h"

#include "tests/scenarios/live/doors/socket_bench.h"

using namespace vtwin;
using namespace vtwin::scenario::live;
using namespace vtwin::scenario::test;

namespace {

const std::string command = "80010000000c0000017b0008", answered = "8001000000",
                  refused = "80010000000a00000142";

asio::awaitable<tpm::bytes> say_answered(tpm::bytes) {
    tpm::bytes said = *models::from_hex(answered);
    co_return said;
}

}  // namespace

TEST_CASE("octets behind a command are ignored at a device and what is no command is refused") {
    socket_bench bench;
    asio::posix::stream_descriptor master(bench.io, ::dup(bench.door.native_handle()));
    master.native_non_blocking(true);
    int commands = 0;
    bool alone = true;
    terminal_service service;
    service.alone = [&alone] { return alone; };
    service.carry_out = [&commands](tpm::bytes octets) {
        ++commands;
        CHECK(models::to_hex(octets) == command);
        return say_answered(std::move(octets));
    };
    bench.spawn(serve_terminal(master, tpm::family::tpm20, service));
    const auto ask = [&](const std::string& hex) {
        bench.send(hex);
        return bench.receive();
    };
    CHECK(ask(command) == answered);
    CHECK(ask(command + "8001") == answered);
    CHECK(ask(command + command) == answered);  // Linux: one write, one command
    CHECK(ask(command.substr(0, 6)) == "");
    CHECK(ask(command.substr(6) + "ffffffffff") == answered);
    CHECK(commands == 4);
    CHECK(ask("80010000000900000181" + command) == refused);
    CHECK(ask("8001000010010000") == "");
    CHECK(ask("0181ff") == refused);
    CHECK(ask(command) == answered);
    CHECK(commands == 5);
    alone = false;
    CHECK(ask(command) == "");
    CHECK(commands == 5);
}
