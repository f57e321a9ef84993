// Packets of commands and answers dressed as one TCP connection, so that network analysers know what to do
// with them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vtwin::trace {

struct tcp_endpoint {
    std::uint32_t address = 0;  ///< IPv4
    std::uint16_t port = 0;
};

/// One payload per segment, PSH and ACK set, sequence numbers running from 1 in either direction, all
/// checksums right (RFC 791, RFC 9293). There is no handshake.
class tcp_conversation {
  public:
    tcp_conversation(tcp_endpoint client, tcp_endpoint server) : m_client{client, 1}, m_server{server, 1} {}

    /// The IPv4 packet; a payload of at most 65,495 octets.
    std::vector<std::byte> to_server(std::span<const std::byte> payload) {
        return segment(m_client, m_server, payload);
    }
    std::vector<std::byte> to_client(std::span<const std::byte> payload) {
        return segment(m_server, m_client, payload);
    }

  private:
    struct side {
        tcp_endpoint where;
        std::uint32_t next = 1;  ///< sequence number of the next octet that it sends
    };
    static std::vector<std::byte> segment(side& from, const side& to, std::span<const std::byte> payload);

    side m_client, m_server;
};

}  // namespace vtwin::trace
