#include "scenarios/live/doors/terminal_commands.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>

#include "scenarios/live/doors/frames.h"

namespace vtwin::scenario::live {
namespace {

void drop_input(int file) {
    std::array<std::byte, 512> dropped{};
    while (::read(file, dropped.data(), dropped.size()) > 0) {
    }
}

bool hung_up(int file) {
    pollfd seen{file, 0, 0};
    return ::poll(&seen, 1, 0) == 1 && (seen.revents & (POLLHUP | POLLERR)) != 0;
}

/// False: the program has gone. A full terminal that nobody has open any more never takes another octet and
/// never fails either: whoever waits for one of both waits for ever, and is woken without end.
asio::awaitable<bool> write_all(asio::posix::stream_descriptor& master, tpm::byte_view octets) {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    while (!octets.empty() && !error) {
        const auto taken = ::write(master.native_handle(), octets.data(), octets.size());
        if (taken > 0)
            octets = octets.subspan(static_cast<std::size_t>(taken));
        else if (errno != EAGAIN || hung_up(master.native_handle()))
            co_return false;
        else
            co_await master.async_wait(asio::posix::stream_descriptor::wait_write, token);
    }
    co_return !error;
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
