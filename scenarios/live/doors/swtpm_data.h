// swtpm's data channel: bare TPM frames; with TPM 2.0 a frame may also come behind the reference simulator's
// header (command 8, locality, length), as swtpm 0.7 takes it.
#pragma once

#include <asio/awaitable.hpp>
#include <cstdint>
#include <optional>

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/listener.h"

namespace vtwin::scenario::live::swtpm {

inline constexpr std::size_t send_header_size = 9;

/// u32 8, u8 locality, u32 length of the command that follows.
struct send_header {
    std::uint8_t locality = 0;
    std::uint32_t length = 0;
};
/// Nullopt: these nine octets do not begin with that header. No TPM frame begins so.
std::optional<send_header> parse_send_header(tpm::byte_view octets);
/// The response as it goes back then: between its u32 length and a u32 zero.
tpm::bytes with_send_header(tpm::byte_view response);

/// Serves one client until it goes or sends what is no frame. `locality` is that of bare frames, read before
/// each.
asio::awaitable<void> serve_data(stream_socket& client, device_file& device, door_context& context,
                                 const std::uint8_t& locality);

}  // namespace vtwin::scenario::live::swtpm
