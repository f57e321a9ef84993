#include "scenarios/live/doors/terminal_commands.h"

#include <unistd.h>

#include <array>

#include "scenarios/live/doors/frames.h"

namespace vtwin::scenario::live {
namespace {

void drop_input(int file) {
    std::array<std::byte, 512> dropped{};
    while (::read(file, dropped.data(), dropped.size()) > 0) {
    }
}

}  // namespace

asio::awaitable<void> serve_terminal(asio::posix::stream_descriptor& master, tpm::family version,
                                     const terminal_service& service) {
    while (true) {
        frame command = co_await read_frame(master);
        if (!service.alone() || command.what == frame::kind::ended)
            co_return;
        tpm::bytes response = malformed_response(version);
        if (command.what == frame::kind::complete)
            response = co_await service.carry_out(std::move(command.octets));
        if (response.empty())
            co_return;
        drop_input(master.native_handle());
        const bool written = co_await write_all(master, response);
        if (!written)
            co_return;
    }
}

}  // namespace vtwin::scenario::live
