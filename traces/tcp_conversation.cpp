#include "traces/tcp_conversation.h"

#include <systemc>

namespace vtwin::trace {
namespace {

constexpr std::size_t ip_header = 20, tcp_header = 20, ip_checksum_at = 10, tcp_checksum_at = 16;
constexpr std::uint8_t protocol_tcp = 6;

void put(std::vector<std::byte>& to, std::uint64_t value, std::size_t octets) {
    while (octets-- > 0)
        to.push_back(std::byte(value >> (8 * octets) & 0xFF));
}

// RFC 1071: sum of big-endian 16-bit words, carries folded in.
std::uint32_t sum_of(std::span<const std::byte> data, std::uint32_t sum = 0) {
    for (std::size_t i = 0; i < data.size(); ++i)
        sum += std::to_integer<std::uint32_t>(data[i]) << (i % 2 == 0 ? 8 : 0);
    return sum;
}

void set_checksum(std::span<std::byte> at, std::uint32_t sum) {
    while (sum >> 16 != 0)
        sum = (sum & 0xFFFF) + (sum >> 16);
    at[0] = std::byte(~sum >> 8 & 0xFF);
    at[1] = std::byte(~sum & 0xFF);
}

}  // namespace

std::vector<std::byte> tcp_conversation::segment(side& from, const side& to,
                                                 std::span<const std::byte> payload) {
    const std::size_t length = ip_header + tcp_header + payload.size();
    sc_assert(length <= 0xFFFF);
    std::vector<std::byte> packet;
    packet.reserve(length);
    put(packet, 0x4500, 2);  // version 4, five words, ordinary service
    put(packet, length, 2);
    put(packet, 0, 2);       // identification
    put(packet, 0x4000, 2);  // don't fragment
    put(packet, 64, 1);      // time to live
    put(packet, protocol_tcp, 1);
    put(packet, 0, 2);
    put(packet, from.where.address, 4);
    put(packet, to.where.address, 4);
    set_checksum(std::span(packet).subspan(ip_checksum_at), sum_of(packet));

    put(packet, from.where.port, 2);
    put(packet, to.where.port, 2);
    put(packet, from.next, 4);
    put(packet, to.next, 4);
    put(packet, 0x5018, 2);  // five words, PSH and ACK
    put(packet, 0xFFFF, 2);  // window
    put(packet, 0, 4);       // checksum, urgent pointer
    packet.insert(packet.end(), payload.begin(), payload.end());
    const std::span<std::byte> tcp = std::span(packet).subspan(ip_header);
    const std::span<const std::byte> addresses = std::span(packet).subspan(12, 8);
    set_checksum(tcp.subspan(tcp_checksum_at),
                 sum_of(tcp, sum_of(addresses) + protocol_tcp + static_cast<std::uint32_t>(tcp.size())));
    from.next += static_cast<std::uint32_t>(payload.size());
    return packet;
}

}  // namespace vtwin::trace
