#include "traces/packet_capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "traces/pcapng_writer.h"
#include "traces/picoseconds.h"
#include "traces/tcp_conversation.h"

namespace vtwin::trace {
namespace {

constexpr std::size_t packet_header = 10, size_at = 2;
// Addresses of domains by their number, of chips by theirs, and of the platform's firmware.
constexpr std::uint32_t domains_at = 0x0A010000, chips_at = 0x0A020000, platform_at = 0x0A030000;
// The range in which Wireshark 4.0 knows no service.
constexpr std::uint16_t first_client_port = 40001, client_ports = 800;

std::uint32_t address_of(xen::domid_t id) {
    return domains_at + xen::to_underlying(id);
}

std::uint32_t big(std::span<const std::byte> octets) {
    std::uint32_t value = 0;
    for (const std::byte octet : octets)
        value = value << 8 | std::to_integer<std::uint32_t>(octet);
    return value;
}

// Analysers take the size field at its word.
bool size_is_right(std::span<const std::byte> packet) {
    return packet.size() >= packet_header && big(packet.subspan(size_at, 4)) == packet.size();
}

// TPM_ST_NO_SESSIONS and TPM_ST_SESSIONS; a TPM 1.2 answers even a TPM 2.0 command with a tag of its own.
bool is_answer20(std::span<const std::byte> packet) {
    return size_is_right(packet) && (big(packet.first(2)) == 0x8001 || big(packet.first(2)) == 0x8002);
}

}  // namespace

std::string packet_capture::name_of(const std::optional<xen::domid_t>& id) const {
    return id ? m_identify(*id).name : "platform";
}

std::size_t packet_capture::interface_of(const std::string& name, const std::string& description) {
    const auto [found, fresh] = m_by_name.try_emplace(name, m_interfaces.size());
    if (fresh)
        m_interfaces.push_back({name, description});
    return found->second;
}

std::size_t packet_capture::connection_of(const connection& wanted) {
    const auto [found, fresh] =
        m_by_key.try_emplace({wanted.interface, wanted.life, wanted.known}, m_connections.size());
    if (fresh)
        m_connections.push_back(wanted);
    return found->second;
}

std::size_t packet_capture::answering(std::size_t asked, std::span<const std::byte> answer) {
    connection used = m_connections[asked];
    used.known = used.known && is_answer20(answer);
    return connection_of(used);
}

void packet_capture::keep(packet what, std::span<const std::byte> octets) {
    what.begin = m_octets.size();
    what.size = octets.size();
    m_octets.insert(m_octets.end(), octets.begin(), octets.end());
    m_packets.push_back(what);
}

void packet_capture::ring_changed(const ring_change& what, std::size_t number) {
    packet kept{.at_ps = picoseconds(what.at), .hop = number, .claimed = what.length};
    if (what.state == ring_state::submit) {
        const domain_identity front = m_identify(what.frontend), back = m_identify(what.backend);
        const bool manager = back.role == domain_role::manager;
        m_hosts[address_of(what.frontend)] = front.name;
        m_hosts[address_of(what.backend)] = back.name;
        connection wanted;
        wanted.interface = interface_of(front.name + (manager ? " manager ring" : " ring"),
                                        fmt::format("page shared by {} and {}", front.name, back.name));
        wanted.life = what.life;
        wanted.known = m_hops.hops()[number].protocol == packet_protocol::tpm20 && size_is_right(what.packet);
        wanted.client = address_of(what.frontend);
        wanted.server = address_of(what.backend);
        kept.connection = connection_of(wanted);
        m_asked[number] = kept.connection;
    } else {
        const auto asked = m_asked.extract(number);
        sc_assert(!asked.empty());
        kept.connection = answering(asked.mapped(), what.packet);
        kept.answer = true;
    }
    keep(kept, what.packet);
}

void packet_capture::chip_done(const tpm::chip_command& what, std::size_t number) {
    const hop& command = m_hops.hops()[number];
    connection wanted;
    wanted.interface = interface_of(command.chip + " chip bus", "FIFO of the " + command.chip + " TPM");
    wanted.life = command.from ? xen::to_underlying(*command.from) + std::uint64_t{1} : 0;
    wanted.known = command.protocol == packet_protocol::tpm20 && size_is_right(what.command);
    wanted.client = command.from ? address_of(*command.from) : platform_at;
    wanted.server = chips_at + static_cast<std::uint32_t>(wanted.interface);
    m_hosts[wanted.client] = name_of(command.from);
    m_hosts[wanted.server] = command.chip + "-tpm";
    const std::size_t used = connection_of(wanted);
    keep({.at_ps = command.begin_ps,
          .connection = used,
          .hop = number,
          .claimed = static_cast<std::uint32_t>(what.command.size())},
         what.command);
    keep({.at_ps = *command.end_ps,
          .connection = answering(used, what.response),
          .hop = number,
          .answer = true,
          .claimed = static_cast<std::uint32_t>(what.response.size())},
         what.response);
}

std::string packet_capture::comment_of(const packet& what) const {
    const hop& crossed = m_hops.hops()[what.hop];
    const connection& used = m_connections[what.connection];
    std::string text =
        fmt::format("hop={}; protocol={}; {}={}", m_interfaces[used.interface].name,
                    trace::name_of(crossed.protocol), what.answer ? "answer_to" : "command", crossed.command);
    if (what.answer)
        text += "; result=" + (crossed.result ? std::to_string(*crossed.result) : "none");
    text += fmt::format("; from={}; to={}; locality={}; latency_ns={}; number={}", m_hosts.at(used.client),
                        m_hosts.at(used.server), crossed.locality,
                        crossed.end_ps ? std::to_string((*crossed.end_ps - crossed.begin_ps) / 1000) : "none",
                        m_hops.origin(what.hop) + 1);
    if (what.claimed != what.size)
        text += fmt::format("; length_field={}", what.claimed);
    return text;
}

bool packet_capture::write(std::ostream& out) const {
    pcapng_writer file(out, "vtwin");
    for (const interface& each : m_interfaces)
        file.add_interface(each.name, each.description);
    file.add_host_names({m_hosts.begin(), m_hosts.end()});
    std::vector<tcp_conversation> open;
    for (std::size_t i = 0; i < m_connections.size(); ++i)
        open.push_back(tcp_conversation(
            {m_connections[i].client, static_cast<std::uint16_t>(first_client_port + i % client_ports)},
            {m_connections[i].server, m_connections[i].known ? port_tpm20 : port_other}));
    std::vector<std::size_t> order(m_packets.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [this](std::size_t number) { return m_packets[number].at_ps; });
    for (const std::size_t number : order) {
        const packet& each = m_packets[number];
        const auto payload = std::span(m_octets).subspan(each.begin, each.size);
        tcp_conversation& used = open[each.connection];
        file.add_packet(static_cast<std::uint32_t>(m_connections[each.connection].interface),
                        each.at_ps / 1000, each.answer ? used.to_client(payload) : used.to_server(payload),
                        comment_of(each));
    }
    return file.good();
}

}  // namespace vtwin::trace
