// What crossed the rings and the chip's bus, octet by octet, for trace.pcapng.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "traces/hop_log.h"
#include "traces/tpm20_dissection.h"

namespace vtwin::trace {

/// One interface per ring that connects two domains and per chip. TPM 2.0 commands go to the TCP port that
/// analysers know TPM 2.0 by; what they cannot read goes to another port, and its comment says what it is.
/// Wireshark takes an answer for that to the last command in the file, whatever their connections: one that
/// follows another's command goes to the other port as well.
class packet_capture {
  public:
    static constexpr std::uint16_t port_tpm20 = 2321, port_other = 2312;

    /// `hops` gives the numbers of hops their meaning, and must outlive this.
    packet_capture(identify_domain identify, const hop_log& hops)
        : m_identify(std::move(identify)), m_hops(hops) {}

    /// A command at SUBMIT, an answer at FINISH.
    void ring_changed(const ring_change& what, std::size_t hop);
    void chip_done(const tpm::chip_command& what, std::size_t hop);

    /// The file, packets in the order of time. False when a write failed.
    bool write(std::ostream& out) const;

  private:
    struct connection {  // the packets that share a TCP connection for each of the two ports
        std::size_t interface = 0;
        std::uint64_t life = 0;
        std::uint32_t client = 0, server = 0;
    };
    struct packet {
        std::uint64_t at_ps = 0;
        std::size_t connection = 0, hop = 0;
        bool answer = false;
        bool dissects = false;  ///< an answer: when it stands behind its command
        bool success = false;
        std::size_t begin = 0, size = 0;  ///< in m_octets
        std::uint32_t claimed = 0;        ///< what the ring's length field says
    };
    struct interface {
        std::string name, description;
    };
    struct asked {
        std::size_t connection = 0;
        std::optional<dissected_command> command;
    };

    std::size_t interface_of(const std::string& name, const std::string& description);
    std::size_t connection_of(const connection& wanted);
    asked keep_command(packet what, std::span<const std::byte> octets);
    void keep_answer(const asked& to, packet what, std::span<const std::byte> octets);
    void keep(packet what, std::span<const std::byte> octets);
    std::vector<std::size_t> packets_in_order() const;
    std::string comment_of(const packet& what) const;
    std::string name_of(const std::optional<xen::domid_t>& id) const;

    identify_domain m_identify;
    const hop_log& m_hops;
    std::vector<interface> m_interfaces;
    std::map<std::string, std::size_t> m_by_name;
    std::vector<connection> m_connections;
    std::map<std::pair<std::size_t, std::uint64_t>, std::size_t> m_by_key;
    std::map<std::size_t, asked> m_asked;  ///< by hop, without an answer yet
    std::map<std::uint32_t, std::string> m_hosts;
    std::vector<packet> m_packets;
    std::vector<std::byte> m_octets;
};

}  // namespace vtwin::trace
