// Bare TPM frames on a byte stream: header with its own length, then the rest.
#pragma once

#include <asio/awaitable.hpp>

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/listener.h"

namespace vtwin::scenario::live {

inline constexpr std::size_t frame_header_size = 10;
/// The longest command that any TPM behind a door takes; what the guest's driver takes is its own matter.
inline constexpr std::size_t longest_frame = 4096;

/// The length that a frame's header states; nullopt when no frame can have it.
std::optional<std::size_t> frame_length(tpm::byte_view header);

/// What readers of one frame find.
struct frame {
    enum class kind : std::uint8_t { complete, malformed, ended };
    kind what = kind::ended;
    tpm::bytes octets;
};
/// `stream`: a stream_socket, or for reading the descriptor of a pseudo-terminal.
template <class stream>
asio::awaitable<frame> read_frame(stream& from);
/// Reads until there are `size` octets. Memory grows with what has come, not with what a client has
/// announced. False: the client has gone before that.
template <class stream>
asio::awaitable<bool> read_up_to(stream& from, tpm::bytes& into, std::size_t size);
/// All of it with one write where the stream takes it. False: the client has gone.
template <class stream>
asio::awaitable<bool> write_all(stream& to, tpm::byte_view octets);

/// The TPM's own answer to a command whose stated length cannot be: TPM_BAD_PARAM_SIZE, TPM_RC_COMMAND_SIZE.
tpm::bytes malformed_response(tpm::family version);

/// Serves one client until it goes, or sends what is no frame: that is answered with malformed_response, and
/// the connection closed. `locality` is read before every command.
asio::awaitable<void> serve_frames(stream_socket& client, device_file& device, door_context& context,
                                   const std::uint8_t& locality);

}  // namespace vtwin::scenario::live
