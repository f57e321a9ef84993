#include "scenarios/live/doors/mssim_frames.h"

#include "tpm/codec/wire.h"

namespace vtwin::scenario::live {
namespace {

using kind = mssim_extent::kind;
using tpm::wire_writer;

constexpr std::size_t code_size = 4, number_size = 4, locality_size = 1;
constexpr std::uint32_t success = 0, failure = 1, protocol_version = 1;
constexpr std::uint32_t platform_available = 1, raw_mode = 4, supports_presence = 8;

/// What follows the code.
enum class shape : std::uint8_t { nothing, number, octets, command, unknown };

shape shape_on_command_port(mssim_code code) {
    switch (code) {
        case mssim_code::hash_start:
        case mssim_code::hash_end:
        case mssim_code::session_end:
        case mssim_code::stop:
            return shape::nothing;
        case mssim_code::hash_data:
            return shape::octets;
        case mssim_code::send_command:
            return shape::command;
        case mssim_code::handshake:
        case mssim_code::alternative_result:
            return shape::number;
        default:
            return shape::unknown;
    }
}

shape shape_on_platform_port(mssim_code code) {
    switch (code) {
        case mssim_code::power_on:
        case mssim_code::power_off:
        case mssim_code::presence_on:
        case mssim_code::presence_off:
        case mssim_code::cancel_on:
        case mssim_code::cancel_off:
        case mssim_code::nv_on:
        case mssim_code::nv_off:
        case mssim_code::key_cache_on:
        case mssim_code::key_cache_off:
        case mssim_code::reset:
        case mssim_code::restart:
        case mssim_code::session_end:
        case mssim_code::stop:
        case mssim_code::command_response_sizes:
        case mssim_code::failure_mode:
            return shape::nothing;
        case mssim_code::act_signaled:
            return shape::number;
        default:
            return shape::unknown;
    }
}

mssim_extent up_to(std::size_t size, tpm::byte_view octets) {
    return {octets.size() < size ? kind::partial : kind::complete, size};
}

/// `before` octets stand before the size of the data.
mssim_extent extent_with_data(std::size_t before, std::size_t longest, tpm::byte_view octets) {
    const std::size_t head = before + number_size;
    if (octets.size() < head)
        return {kind::partial, head};
    const std::size_t length = tpm::load_be32(octets.subspan(before, number_size));
    if (length > longest)
        return {kind::too_long, head};
    return up_to(head + length, octets);
}

}  // namespace

mssim_extent measure(mssim_port port, tpm::byte_view octets) {
    if (octets.size() < code_size)
        return {kind::partial, code_size};
    const auto code = static_cast<mssim_code>(tpm::load_be32(octets.first(code_size)));
    switch (port == mssim_port::command ? shape_on_command_port(code) : shape_on_platform_port(code)) {
        case shape::nothing:
            return up_to(code_size, octets);
        case shape::number:
            return up_to(code_size + number_size, octets);
        case shape::octets:
            return extent_with_data(code_size, longest_mssim_hash_data, octets);
        case shape::command:
            return extent_with_data(code_size + locality_size, longest_mssim_command, octets);
        case shape::unknown:
            break;
    }
    return {kind::unknown, code_size};
}

mssim_request parse_mssim_request(tpm::byte_view octets) {
    tpm::wire_reader in(octets);
    mssim_request parsed;
    parsed.code = static_cast<mssim_code>(in.u32());
    if (parsed.code == mssim_code::send_command)
        parsed.locality = in.u8();
    if (parsed.code == mssim_code::send_command || parsed.code == mssim_code::hash_data)
        parsed.data = in.sized32();
    else if (in.remaining() == number_size)
        parsed.number = in.u32();
    sc_assert(in.ok() && in.at_end());
    return parsed;
}

tpm::bytes mssim_acknowledgement() {
    return wire_writer().u32(success).take();
}

tpm::bytes mssim_refusal() {
    return wire_writer().u32(failure).take();
}

tpm::bytes mssim_response(tpm::byte_view response) {
    return wire_writer().sized32(response).u32(success).take();
}

tpm::bytes mssim_handshake() {
    const std::uint32_t there = platform_available | raw_mode | supports_presence;
    return wire_writer().u32(protocol_version).u32(there).u32(success).take();
}

tpm::bytes mssim_no_sizes() {
    return mssim_response({});
}

tpm::bytes mssim_number(std::uint32_t number) {
    return wire_writer().u32(number).u32(success).take();
}

}  // namespace vtwin::scenario::live
