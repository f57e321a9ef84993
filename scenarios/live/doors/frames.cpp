#include "scenarios/live/doors/frames.h"

#include <algorithm>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>

#include "tpm/codec/wire.h"

namespace vtwin::scenario::live {
namespace {

constexpr std::uint32_t bad_param_size = 0x19, rc_command_size = 0x142;
constexpr std::size_t longest_step = 4096;

}  // namespace

std::optional<std::size_t> frame_length(tpm::byte_view header) {
    const std::size_t length = tpm::packet::size_of(header);
    return length < frame_header_size || length > longest_frame ? std::nullopt : std::optional(length);
}

template <class stream>
asio::awaitable<bool> read_up_to(stream& from, tpm::bytes& into, std::size_t size) {
    asio::error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    while (into.size() < size && !error) {
        const std::size_t there = into.size();
        into.resize(std::min(size, there + longest_step));
        const auto rest = asio::buffer(into) + there;
        co_await asio::async_read(from, rest, token);
    }
    co_return !error;
}

template <class stream>
asio::awaitable<frame> read_frame(stream& from) {
    frame read;
    bool more = co_await read_up_to(from, read.octets, frame_header_size);
    if (!more)
        co_return read;
    const auto length = frame_length(read.octets);
    if (!length) {
        read.what = frame::kind::malformed;
        co_return read;
    }
    more = co_await read_up_to(from, read.octets, *length);
    if (more)
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
template asio::awaitable<bool> read_up_to(stream_socket&, tpm::bytes&, std::size_t);
template asio::awaitable<bool> read_up_to(descriptor&, tpm::bytes&, std::size_t);
template asio::awaitable<bool> write_all(stream_socket&, tpm::byte_view);

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
