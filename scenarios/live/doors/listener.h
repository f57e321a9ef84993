// A place where clients connect: a Unix socket or a TCP port.
#pragma once

#include <asio/awaitable.hpp>
#include <asio/basic_socket_acceptor.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "scenarios/live/listen_spec.h"

namespace vtwin::scenario::live {

using stream_socket = asio::generic::stream_protocol::socket;

class listener {
  public:
    /// Binds. `channel` 0 is the spec's own place, 1 that of its second channel: the next port, or the path
    /// with ".ctrl". A Unix socket has the spec's mode from the moment that it exists. One that a
    /// killed program left behind is replaced. Throws user_error when the place is taken or cannot be had.
    listener(asio::io_context& io, const listen_spec& spec, unsigned channel = 0);
    /// Removes the Unix socket, unless its path leads to somebody else's by now.
    ~listener();
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    /// The next client; TCP without Nagle's delay. While the program has few descriptors left, clients wait
    /// until others go.
    asio::awaitable<stream_socket> accept();
    /// "unix:/tmp/x" or "tcp:127.0.0.1:2321".
    const std::string& place() const { return m_place; }

  private:
    using file_identity = std::pair<std::uint64_t, std::uint64_t>;  ///< device, number
    static std::optional<file_identity> identity_of(const std::string& path);

    asio::basic_socket_acceptor<asio::generic::stream_protocol> m_acceptor;
    asio::steady_timer m_pause;
    std::string m_path, m_place;
    std::optional<file_identity> m_identity;  ///< of the Unix socket
};

}  // namespace vtwin::scenario::live
