// Reads a pcapng file back, by the format's own words and with no code of the writer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vtwin::test {

struct pcapng_file {
    struct interface {
        std::uint16_t link_type = 0;
        std::string name, description;
        unsigned resolution = 6;  ///< negative power of ten of a second
    };
    struct packet {
        std::uint32_t interface = 0;
        std::uint64_t at = 0;
        std::string data, comment;
    };
    bool good = false;
    std::string application;
    std::vector<interface> interfaces;
    std::vector<packet> packets;
    std::map<std::string, std::string> hosts;  ///< "10.0.0.1" to name
};

class pcapng_parser {
  public:
    static pcapng_file parse(const std::string& text) {
        pcapng_parser parser(text);
        parser.m_file.good = parser.blocks();
        return parser.m_file;
    }

  private:
    explicit pcapng_parser(const std::string& text) : m_text(text) {}

    std::uint64_t number(std::size_t at, std::size_t octets) const {
        std::uint64_t value = 0;
        for (std::size_t i = octets; i-- > 0;)
            value = value << 8 | static_cast<unsigned char>(m_text.at(at + i));
        return value;
    }

    bool blocks() {
        std::size_t at = 0;
        while (at + 12 <= m_text.size()) {
            const auto type = number(at, 4);
            const auto length = number(at + 4, 4);
            if (length < 12 || length % 4 != 0 || at + length > m_text.size() ||
                number(at + length - 4, 4) != length || (at == 0) != (type == 0x0A0D0D0A))
                return false;
            if (!block(type, at + 8, at + length - 4))
                return false;
            at += length;
        }
        return at == m_text.size() && at != 0;
    }

    bool block(std::uint64_t type, std::size_t at, std::size_t end) {
        if (type == 0x0A0D0D0A) {
            auto found = options(at + 16, end);
            m_file.application = found[4];
            return number(at, 4) == 0x1A2B3C4D && number(at + 4, 2) == 1 && number(at + 6, 2) == 0 &&
                   number(at + 8, 8) == UINT64_MAX && m_sound;
        }
        if (type == 1) {
            auto found = options(at + 8, end);
            m_file.interfaces.push_back({static_cast<std::uint16_t>(number(at, 2)), found[2], found[3],
                                         found[9].empty() ? 6 : static_cast<unsigned>(found[9][0])});
            return number(at + 4, 4) == 0 && m_sound;
        }
        if (type == 4)
            return names(at, end);
        if (type != 6)
            return false;
        pcapng_file::packet packet;
        packet.interface = static_cast<std::uint32_t>(number(at, 4));
        packet.at = number(at + 4, 4) << 32 | number(at + 8, 4);
        const auto captured = number(at + 12, 4);
        if (captured != number(at + 16, 4) || at + 20 + captured > end ||
            packet.interface >= m_file.interfaces.size())
            return false;
        packet.data = m_text.substr(at + 20, captured);
        packet.comment = options(at + 20 + (captured + 3) / 4 * 4, end)[1];
        m_file.packets.push_back(packet);
        return m_sound;
    }

    bool names(std::size_t at, std::size_t end) {
        while (at + 4 <= end) {
            const auto type = number(at, 2), length = number(at + 2, 2);
            if (type == 0)
                return at + 4 == end;
            if (type != 1 || length < 6 || m_text.at(at + 4 + length - 1) != '\0')
                return false;
            std::string address;
            for (std::size_t i = 0; i < 4; ++i)
                address += (i == 0 ? "" : ".") + std::to_string(number(at + 4 + i, 1));
            m_file.hosts[address] = m_text.substr(at + 8, length - 5);
            at += 4 + (length + 3) / 4 * 4;
        }
        return false;
    }

    /// Each option once at most, opt_endofopt behind them.
    std::map<std::uint64_t, std::string> options(std::size_t at, std::size_t end) {
        std::map<std::uint64_t, std::string> found;
        if (at == end)
            return found;
        while (at + 4 <= end) {
            const auto code = number(at, 2), length = number(at + 2, 2);
            if (code == 0) {
                m_sound = m_sound && length == 0 && at + 4 == end;
                return found;
            }
            m_sound = m_sound && at + 4 + length <= end &&
                      found.emplace(code, m_text.substr(at + 4, length)).second;
            at += 4 + (length + 3) / 4 * 4;
        }
        m_sound = false;
        return found;
    }

    const std::string& m_text;
    pcapng_file m_file;
    bool m_sound = true;
};

/// IPv4 and TCP around a payload; nothing when a header or a checksum is wrong.
struct tcp_packet {
    std::string source, destination;
    unsigned source_port = 0, destination_port = 0;
    std::uint32_t sequence = 0, acknowledged = 0;
    std::string payload;

    static std::optional<tcp_packet> parse(const std::string& data) {
        const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(data.at(at)); };
        const auto big = [&](std::size_t at, std::size_t count) {
            std::uint32_t value = 0;
            for (std::size_t i = 0; i < count; ++i)
                value = value << 8 | octet(at + i);
            return value;
        };
        if (data.size() < 40 || octet(0) != 0x45 || big(2, 2) != data.size() || octet(9) != 6 ||
            octet(32) != 0x50 || octet(33) != 0x18)
            return std::nullopt;
        std::uint64_t ip = 0, tcp = 6 + data.size() - 20;
        for (std::size_t i = 0; i < data.size(); ++i) {
            const std::uint64_t part = octet(i) * (i % 2 == 0 ? 256U : 1U);
            ip += i < 20 ? part : 0;
            tcp += i >= 12 ? part : 0;
        }
        // The ones' complement sum over everything, checksum included, is all ones.
        if (ip == 0 || ip % 0xFFFF != 0 || tcp % 0xFFFF != 0)
            return std::nullopt;
        const auto address = [&](std::size_t at) {
            return std::to_string(octet(at)) + '.' + std::to_string(octet(at + 1)) + '.' +
                   std::to_string(octet(at + 2)) + '.' + std::to_string(octet(at + 3));
        };
        return tcp_packet{address(12), address(16), big(20, 2),     big(22, 2),
                          big(24, 4),  big(28, 4),  data.substr(40)};
    }
};

}  // namespace vtwin::test
