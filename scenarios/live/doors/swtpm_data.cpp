#include "scenarios/live/doors/swtpm_data.h"

#include <algorithm>

#include "scenarios/live/doors/frames.h"
#include "scenarios/live/doors/swtpm_control.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario::live::swtpm {

using tpm::byte_view;
using tpm::bytes;

namespace {

constexpr std::uint32_t send_command = 8;
constexpr std::uint32_t bad_param_size = 0x19, rc_command_size = 0x142, rc_locality = 0x107;

constexpr std::uint32_t rc_value_20 = 0x84;

/// TPM_BADTAG in the form of TPM 1.2.
bool is_bad_tag(byte_view response) {
    constexpr std::uint16_t tag_response_12 = 0x00C4;
    constexpr std::uint32_t bad_tag = 0x1E;
    tpm::wire_reader in(response);
    return in.u16() == tag_response_12 && in.u32() == frame_header_size && in.u32() == bad_tag && in.ok();
}

/// TPM_GetCapability(TPM_CAP_PROPERTY, TPM_CAP_PROP_DURATION).
bool asks_for_durations(byte_view command) {
    constexpr std::uint16_t tag_request_12 = 0x00C1;
    constexpr std::uint32_t length = 22, get_capability = 0x65, property = 5, property_size = 4,
                            durations = 0x120;
    tpm::wire_reader in(command);
    return in.u16() == tag_request_12 && in.u32() == length && in.u32() == get_capability &&
           in.u32() == property && in.u32() == property_size && in.u32() == durations && in.ok() &&
           in.at_end();
}

bytes with_bounded_durations(byte_view response) {
    constexpr std::uint32_t longest_us = 300'000'000;
    constexpr std::size_t values_at = 14, values = 3;
    if (response.size() != values_at + values * 4)
        return {response.begin(), response.end()};
    tpm::wire_reader in(response);
    tpm::wire_writer out;
    out.raw(in.view(values_at));
    for (std::size_t i = 0; i < values; ++i)
        out.u32(std::min(in.u32(), longest_us));
    return out.take();
}

}  // namespace

std::optional<send_header> parse_send_header(byte_view octets) {
    tpm::wire_reader in(octets);
    if (in.u32() != send_command)
        return std::nullopt;
    send_header header;
    header.locality = in.u8();
    header.length = in.u32();
    return in.ok() ? std::optional(header) : std::nullopt;
}

bytes with_send_header(byte_view response) {
    return tpm::wire_writer().sized32(response).u32(0).take();
}

bytes as_swtpm(byte_view command, bytes response, tpm::family version) {
    if (version == tpm::family::tpm20)
        return is_bad_tag(response) ? failure_response(version, 0, rc_value_20) : std::move(response);
    if (asks_for_durations(command))
        return with_bounded_durations(response);
    return response;
}

asio::awaitable<framed_command> read_command(stream_socket& from, tpm::family version) {
    framed_command read;
    bool more = co_await read_up_to(from, read.octets, send_header_size);
    if (!more)
        co_return read;
    if (version == tpm::family::tpm20)
        read.header = parse_send_header(read.octets);
    std::size_t length = 0;
    if (read.header) {
        length = read.header->length;
        read.octets.clear();
    } else {
        more = co_await read_up_to(from, read.octets, frame_header_size);
        if (!more)
            co_return read;
        length = frame_length(read.octets).value_or(0);
    }
    read.what = framed_command::kind::malformed;
    if (length < frame_header_size || length > longest_frame)
        co_return read;
    more = co_await read_up_to(from, read.octets, length);
    read.what = more ? framed_command::kind::complete : framed_command::kind::ended;
    co_return read;
}

asio::awaitable<void> serve_data(stream_socket& client, device_file& device, door_context& context,
                                 std::uint8_t& locality) {
    while (true) {
        framed_command command = co_await read_command(client, context.version);
        if (command.what == framed_command::kind::ended)
            co_return;
        bytes response;
        const bool malformed = command.what == framed_command::kind::malformed;
        if (malformed) {
            context.say("a client sent what is no TPM command: its connection is closed");
            response = failure_response(context.version, bad_param_size, rc_command_size);
        } else if (command.header && command.header->locality > highest_locality) {
            response = failure_response(context.version, bad_param_size, rc_locality);
        } else {
            if (command.header)
                locality = command.header->locality;
            bytes asked = command.octets;
            response = co_await device.transmit(std::move(command.octets), locality);
            response = as_swtpm(asked, std::move(response), context.version);
        }
        if (response.empty())
            co_return;
        if (command.header)
            response = with_send_header(response);
        const bool written = co_await write_all(client, response);
        if (!written || malformed)
            co_return;
    }
}

}  // namespace vtwin::scenario::live::swtpm
