// Commands of a program that has a pseudo-terminal open and takes it for a TPM device.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <functional>

#include "tpm/ports.h"

namespace vtwin::scenario::live {

/// Who is served, and by whom.
struct terminal_service {
    std::function<bool()> alone;  ///< false: octets of several programs may be mixed, and are worth nothing
    std::function<asio::awaitable<tpm::bytes>(tpm::bytes)> carry_out;  ///< an empty response: it is over
};

/// Until the program has gone. A terminal is a stream and knows no write(): a command is whole as soon as as
/// many octets have come as it states, in one write or several, and what is there behind it when its response
/// is given is dropped, as the device ignores it in the same write and refuses it in another (-EBUSY). What
/// cannot be a command (-EINVAL) is answered with malformed_response, once its header is there.
asio::awaitable<void> serve_terminal(asio::posix::stream_descriptor& master, tpm::family version,
                                     const terminal_service& service);

}  // namespace vtwin::scenario::live
