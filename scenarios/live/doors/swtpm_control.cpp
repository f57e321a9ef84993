#include "scenarios/live/doors/swtpm_control.h"

#include <algorithm>
#include <array>

#include "tpm/codec/wire.h"

namespace vtwin::scenario::live::swtpm {

using tpm::byte_view;
using tpm::bytes;

namespace {

constexpr std::size_t command_size = 4;
constexpr std::uint32_t capabilities_12 = 0x7FFF, capabilities_20 = 0xFFFF;

/// What swtpm does when a request is not as long as it should be.
struct shape {
    command what;
    std::size_t payload;                                            ///< at least
    enum class when_short : std::uint8_t { wait, refuse } lacking;  ///< fewer octets than that
    bool exact;                                                     ///< more octets are refused
};
constexpr auto waits = shape::when_short::wait, refuses = shape::when_short::refuse;
constexpr std::array shapes = {shape{command::get_capability, 0, waits, false},
                               shape{command::init, 4, waits, true},
                               shape{command::shutdown, 0, waits, false},
                               shape{command::get_established, 0, waits, true},
                               shape{command::set_locality, 1, waits, false},
                               shape{command::hash_start, 0, waits, true},
                               shape{command::hash_data, 4, waits, false},
                               shape{command::hash_end, 0, waits, true},
                               shape{command::cancel, 0, waits, true},
                               shape{command::store_volatile, 0, waits, true},
                               shape{command::reset_established, 1, waits, false},
                               shape{command::get_stateblob, 12, waits, false},
                               shape{command::set_stateblob, 12, waits, false},
                               shape{command::stop, 0, waits, true},
                               shape{command::get_config, 0, waits, true},
                               shape{command::set_datafd, 0, waits, false},
                               shape{command::set_buffersize, 4, refuses, false},
                               shape{command::get_info, 16, refuses, false}};

reading refusal(std::uint32_t code, reading::kind what = reading::kind::refused) {
    reading seen;
    seen.what = what;
    seen.code = code;
    return seen;
}

/// The parameters that have a fixed place. What is behind them comes back.
byte_view read_fixed(byte_view payload, request& into) {
    tpm::wire_reader in(payload);
    switch (into.what) {
        case command::init:
            into.flags = in.u32();
            break;
        case command::set_locality:
        case command::reset_established:
            into.locality = in.u8();
            break;
        case command::get_stateblob:
            into.flags = in.u32();
            into.type = in.u32();
            into.offset = in.u32();
            break;
        case command::set_stateblob:
            into.flags = in.u32();
            into.type = in.u32();
            into.size = in.u32();
            break;
        case command::hash_data:
        case command::set_buffersize:
            into.size = in.u32();
            break;
        case command::get_info:
            into.info = in.u64();
            into.offset = in.u32();
            break;
        default:
            break;
    }
    return payload.subspan(in.position());
}

}  // namespace

reading read_request(byte_view received) {
    if (received.size() < command_size)
        return {};
    const auto number = tpm::load_be32(received);
    const auto form = std::ranges::find(shapes, static_cast<command>(number), &shape::what);
    if (form == shapes.end())
        return refusal(result::bad_ordinal);
    const byte_view payload = received.subspan(command_size);
    if (payload.size() < form->payload)
        return form->lacking == refuses ? refusal(result::bad_parameter) : reading{};
    if (form->exact && payload.size() > form->payload)
        return refusal(result::bad_parameter);
    reading seen;
    seen.asked.what = form->what;
    const byte_view rest = read_fixed(payload, seen.asked);
    if (form->what == command::hash_data || form->what == command::set_stateblob) {
        const std::size_t announced = seen.asked.size;
        if (announced > longest_data)
            return refusal(result::bad_parameter, reading::kind::lost);
        if (rest.size() < announced)
            return {};
        seen.asked.data.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(announced));
    }
    seen.what = reading::kind::complete;
    return seen;
}

bytes print_result(std::uint32_t code) {
    return tpm::wire_writer().u32(code).take();
}

bytes print_capabilities(tpm::family version) {
    return tpm::wire_writer()
        .u32(result::success)
        .u32(version == tpm::family::tpm20 ? capabilities_20 : capabilities_12)
        .take();
}

bytes print_established(bool bit) {
    return tpm::wire_writer().u32(result::success).u8(bit ? 1 : 0).u8(0).u16(0).take();
}

bytes print_buffer_size(std::uint32_t size) {
    return tpm::wire_writer().u32(result::success).u32(size).u32(size).u32(size).take();
}

bytes print_config() {
    constexpr std::uint32_t no_encryption = 0;
    return tpm::wire_writer().u32(result::success).u32(no_encryption).take();
}

bytes print_stateblob(byte_view blob, std::uint32_t offset) {
    constexpr std::uint32_t plain = 0;
    tpm::wire_writer out;
    if (blob.empty())
        return out.u32(result::no_such_state).u32(plain).u32(0).u32(0).take();
    const byte_view part = blob.subspan(std::min<std::size_t>(offset, blob.size()));
    // The total counts from the offset on, too.
    return out.u32(result::success)
        .u32(plain)
        .u32(static_cast<std::uint32_t>(part.size()))
        .sized32(part)
        .take();
}

bytes print_info(const std::string& text, std::uint32_t offset) {
    const std::size_t total = text.size() + 1;
    if (offset >= total)
        return print_result(result::bad_parameter);
    const byte_view whole(reinterpret_cast<const std::byte*>(text.c_str()), total);
    return tpm::wire_writer()
        .u32(result::success)
        .u32(static_cast<std::uint32_t>(total))
        .sized32(whole.subspan(offset))
        .take();
}

}  // namespace vtwin::scenario::live::swtpm
