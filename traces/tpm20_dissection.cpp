#include "traces/tpm20_dissection.h"

#include <algorithm>
#include <array>

#include "tpm/codec/tpm20.h"
#include "tpm/codec/tpm20_frame.h"
#include "tpm/codec/wire.h"

namespace vtwin::trace {
namespace {

namespace t20 = tpm::tpm20;

constexpr std::uint32_t set_primary_policy = 0x12E, startup = 0x144, nv_read = 0x14E,
                        start_auth_session = 0x176, create_loaded = 0x191;
constexpr std::uint32_t first_code = 0x11F, last_code = 0x198;
constexpr unsigned least_session_area = 9, most_sessions = 3;
constexpr std::size_t code_at = 6;

// Commands by how many handles they have; one when they are in no list.
constexpr std::array<std::uint32_t, 24> without_handle{
    0x123, 0x141, 0x142, 0x143, 0x144, 0x145, 0x146, 0x15A, 0x15F, 0x161, 0x166, 0x167,
    0x175, 0x178, 0x179, 0x17A, 0x17B, 0x17C, 0x17D, 0x17E, 0x181, 0x186, 0x18A, 0x18E};
constexpr std::array<std::uint32_t, 24> with_two{0x11F, 0x120, 0x122, 0x12F, 0x133, 0x134, 0x135, 0x136,
                                                 0x137, 0x138, 0x147, 0x148, 0x14A, 0x14B, 0x14C, 0x14E,
                                                 0x14F, 0x150, 0x151, 0x152, 0x160, 0x176, 0x185, 0x197};
constexpr std::array<std::uint32_t, 5> with_three{0x149, 0x14D, 0x184, 0x192, 0x195};
constexpr std::array<std::uint32_t, 8> answered_with_handle{0x131, 0x157, 0x15B, 0x161,
                                                            0x167, 0x176, 0x186, 0x191};

template <std::size_t Count>
bool listed(const std::array<std::uint32_t, Count>& codes, std::uint32_t code) {
    return std::ranges::count(codes, code) != 0;
}

unsigned handles_of(std::uint32_t code) {
    if (code < first_code || code > last_code || listed(without_handle, code))
        return 0;
    return listed(with_three, code) ? 3 : listed(with_two, code) ? 2 : 1;
}

void skip_buffers(tpm::wire_reader& in, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
        in.view(in.u16());
}

/// Nonce, attributes and HMAC.
void skip_session(tpm::wire_reader& in) {
    skip_buffers(in, 1);
    in.u8();
    skip_buffers(in, 1);
}

/// Their number; nothing when they do not fill the area.
std::optional<unsigned> sessions_in(std::span<const std::byte> area) {
    tpm::wire_reader in(area);
    unsigned count = 0;
    for (; in.ok() && !in.at_end(); ++count) {
        in.u32();
        skip_session(in);
    }
    return in.ok() && area.size() >= least_session_area && count <= most_sessions ? std::optional(count)
                                                                                  : std::nullopt;
}

void skip_parameters(tpm::wire_reader& in, std::uint32_t code) {
    switch (code) {
        case startup:
            in.u16();
            break;
        case set_primary_policy:
            skip_buffers(in, 3);
            break;
        case create_loaded:
            skip_buffers(in, 2);
            break;
        case start_auth_session:
            skip_buffers(in, 2);
            in.u8();
            if (in.u16() != t20::alg::null)
                in.u32();
            in.u16();
            break;
        default:
            break;
    }
}

void skip_answer(tpm::wire_reader& in, std::uint32_t code, std::uint32_t size) {
    switch (code) {
        case startup:
            break;
        case set_primary_policy:
            skip_buffers(in, 4);
            break;
        case create_loaded:
            skip_buffers(in, 3);
            break;
        case start_auth_session:
            skip_buffers(in, 1);
            break;
        default:
            in.view(size);
            break;
    }
}

/// Analysers take the size field at its word.
bool framed_rightly(std::span<const std::byte> packet) {
    if (packet.size() < t20::header_size || tpm::load_be32(packet.subspan(2, 4)) != packet.size())
        return false;
    const std::uint16_t tag = tpm::load_be16(packet.first(2));
    return tag == t20::tag_no_sessions || tag == t20::tag_sessions;
}

}  // namespace

std::optional<dissected_command> dissect_command(std::span<const std::byte> packet) {
    if (!framed_rightly(packet))
        return std::nullopt;
    tpm::wire_reader in(packet);
    const std::uint16_t tag = in.u16();
    in.u32();
    dissected_command command;
    command.code = in.u32();
    if (command.code == nv_read)
        return std::nullopt;
    in.view(std::size_t{4} * handles_of(command.code));
    if (tag == t20::tag_sessions) {
        const auto sessions = sessions_in(in.view(in.u32()));
        if (!sessions)
            return std::nullopt;
        command.sessions = *sessions;
    }
    skip_parameters(in, command.code);
    return in.ok() ? std::optional(command) : std::nullopt;
}

bool dissects_answer(const dissected_command& command, std::span<const std::byte> packet) {
    if (!framed_rightly(packet))
        return false;
    if (!says_success(packet))
        return true;
    tpm::wire_reader in(packet.subspan(t20::header_size));
    if (listed(answered_with_handle, command.code))
        in.u32();
    if (tpm::load_be16(packet.first(2)) == t20::tag_no_sessions) {
        skip_answer(in, command.code, 0);
        return in.ok();
    }
    if (const std::uint32_t size = in.u32(); size != 0)
        skip_answer(in, command.code, size);
    for (unsigned i = 0; i < command.sessions; ++i)
        skip_session(in);
    return in.ok();
}

bool says_success(std::span<const std::byte> packet) {
    return packet.size() < t20::header_size || tpm::load_be32(packet.subspan(code_at, 4)) == 0;
}

}  // namespace vtwin::trace
