#include "scenarios/live/doors/swtpm_state.h"

#include "scenarios/live/doors/swtpm_control.h"
#include "tpm/codec/wire.h"

namespace vtwin::scenario::live::swtpm {

using tpm::byte_view;
using tpm::bytes;

namespace {

constexpr std::uint8_t version = 2, least_version = 1;
constexpr std::uint16_t header_size = 10;
constexpr std::uint16_t flag_encrypted = 1, flag_migration_encrypted = 2, flag_migration_data = 4;
constexpr std::uint16_t tag_data = 1, tag_migration_data = 4;
constexpr std::size_t record_header = 6;

/// The content of the first record with that tag; empty when there is none that is whole.
byte_view record_of(byte_view stream, std::uint16_t tag) {
    tpm::wire_reader in(stream);
    while (in.remaining() >= record_header) {
        const auto seen = in.u16();
        const auto content = in.view(in.u32());
        if (!in.ok())
            return {};
        if (seen == tag)
            return content;
    }
    return {};
}

}  // namespace

bytes wrap_state(byte_view state) {
    const auto inner = static_cast<std::uint32_t>(record_header + state.size());
    tpm::wire_writer out;
    out.u8(version).u8(least_version).u16(header_size).u16(flag_migration_data);
    out.u32(static_cast<std::uint32_t>(header_size + record_header + inner));
    out.u16(tag_migration_data).u32(inner);
    out.u16(tag_data).sized32(state);
    return out.take();
}

unwrapped unwrap_state(byte_view blob) {
    unwrapped found;
    tpm::wire_reader in(blob);
    in.u8();  // its version; the one that counts is the least that may read it
    const auto least = in.u8();
    const auto size_of_header = in.u16();
    const auto flags = in.u16();
    const auto total = in.u32();
    const bool whole = in.ok() && size_of_header == header_size && total == blob.size();
    if (in.ok() && least > version)
        found.code = result::bad_version;
    else if (!whole)
        found.code = result::bad_parameter;
    else if ((flags & (flag_encrypted | flag_migration_encrypted)) != 0)
        found.code = result::key_not_found;
    if (found.code != result::success)
        return found;
    const byte_view state = record_of(record_of(blob.subspan(header_size), tag_migration_data), tag_data);
    if (state.empty())
        found.code = result::fail;
    found.state.assign(state.begin(), state.end());
    return found;
}

}  // namespace vtwin::scenario::live::swtpm
