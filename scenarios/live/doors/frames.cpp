#include "scenarios/live/doors/frames.h"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "tpm/codec/wire.h"

namespace vtwin::scenario::live {
namespace {

constexpr std::uint32_t bad_param_size = 0x19, rc_command_size = 0x142;
constexpr std::size_t length_at = 2;

}  // namespace

std::optional<std::size_t> frame_length(tpm::byte_view header) {
    const std::size_t length = tpm::load_be32(header.subspan(length_at, 4));
    return length < frame_header_size || length > longest_frame ? std::nullopt : std::optional(length);
}

template <class stream>
asio::awaitable<frame> read_frame(stream& from) {
    frame read;
    read.octets.resize(frame_header_size);
    asio::error_code error;
    const auto header = asio::buffer(read.octets);
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await asio::async_read(from, header, token);
    if (error)
        co_return read;
    const auto length = frame_length(read.octets);
    if (!length) {
        read.what = frame::kind::malformed;
        co_return read;
    }
    read.octets.resize(*length);
    const auto rest = asio::buffer(read.octets) + frame_header_size;
    co_await asio::async_read(from, rest, token);
    if (!error)
        read.what = frame::kind::complete;
    co_return read;
}

template <class stream>
asio::awaitable<bool> write_all(stream& to, tpm::byte_view octets) {
    asio::error_code error;
    const auto buffer = asio::buffer(octets.data(), octets.size());
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await asio::async_write(to, buffer, token);
    co_return !error;
}

using descriptor = asio::posix::stream_descriptor;
template asio::awaitable<frame> read_frame(stream_socket&);
template asio::awaitable<frame> read_frame(descriptor&);
template asio::awaitable<bool> write_all(stream_socket&, tpm::byte_view);
template asio::awaitable<bool> write_all(descriptor&, tpm::byte_view);

tpm::bytes malformed_response(tpm::family version) {
    return failure_response(version, bad_param_size, rc_command_size);
}

asio::awaitable<void> serve_frames(stream_socket& client, device_file& device, door_context& context,
                                   const std::uint8_t& locality) {
    while (true) {
        frame command = co_await read_frame(client);
        if (command.what == frame::kind::malformed) {
            context.say("a client sent what is no TPM command: its connection is closed");
            const tpm::bytes refusal = malformed_response(context.version);
            co_await write_all(client, refusal);
        }
        if (command.what != frame::kind::complete)
            co_return;
        const tpm::bytes response = co_await device.transmit(std::move(command.octets), locality);
        if (response.empty())
            co_return;
        const bool written = co_await write_all(client, response);
        if (!written)
            co_return;
    }
}

}  // namespace vtwin::scenario::live
