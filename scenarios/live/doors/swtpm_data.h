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
/// One command of the data channel; what is not complete is what the client ended with.
struct framed_command {
    enum class kind : std::uint8_t { complete, malformed, ended };
    kind what = kind::ended;
    std::optional<send_header> header;
    tpm::bytes octets;
};
asio::awaitable<framed_command> read_command(stream_socket& from, tpm::family version);

/// Nullopt: these nine octets do not begin with that header. No TPM frame begins so.
std::optional<send_header> parse_send_header(tpm::byte_view octets);
/// The response as it goes back then: between its u32 length and a u32 zero.
tpm::bytes with_send_header(tpm::byte_view response);

/// A response with what firmware cannot do without as swtpm has it; other responses stay as they are.
/// A TPM 2.0's to a tag that it does not know: the specification has the form of TPM 1.2 for that (Part 3,
/// 5.2), and so answers the machine's TPM; but OVMF takes whoever answers in that form for a TPM 1.2.
/// A TPM 1.2's durations: Xen's vTPM tells 600 s for the longest, and SeaBIOS, which counts 3.58 MHz in 31
/// bits, takes that for no time at all and its self-test for failed. None is longer than swtpm's 300 s here.
tpm::bytes as_swtpm(tpm::byte_view command, tpm::bytes response, tpm::family version);

/// Serves one client until it goes or sends what is no frame. `locality` is that of bare frames, read before
/// each; a header's locality, which is for the frame behind it, stays for those that come next, as in swtpm.
asio::awaitable<void> serve_data(stream_socket& client, device_file& device, door_context& context,
                                 std::uint8_t& locality);

}  // namespace vtwin::scenario::live::swtpm
