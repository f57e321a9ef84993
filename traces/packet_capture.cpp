#include "traces/packet_capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "traces/pcapng_writer.h"
#include "traces/picoseconds.h"
#include "traces/tcp_conversation.h"

namespace vtwin::trace {
namespace {

// Addresses of domains by their number, of chips by theirs, and of the platform's firmware.
constexpr std::uint32_t domains_at = 0x0A010000, chips_at = 0x0A020000, platform_at = 0x0A030000;
// The range in which Wireshark 4.0 knows no service.
constexpr std::uint16_t first_client_port = 40001, client_ports = 800;

std::uint32_t address_of(xen::domid_t id) {
    return domains_at + xen::to_underlying(id);
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
    const auto [found, fresh] = m_by_key.try_emplace({wanted.interface, wanted.life}, m_connections.size());
    if (fresh)
        m_connections.push_back(wanted);
    return found->second;
}

packet_capture::asked packet_capture::keep_command(packet what, std::span<const std::byte> octets) {
    asked command{what.connection, std::nullopt};
    if (m_hops.hops()[what.hop].protocol == packet_protocol::tpm20)
        command.command = dissect_command(octets);
    what.dissects = command.command.has_value();
    keep(what, octets);
    return command;
}

void packet_capture::keep_answer(const asked& to, packet what, std::span<const std::byte> octets) {
    what.connection = to.connection;
    what.answer = true;
    what.dissects = to.command && dissects_answer(*to.command, octets);
    what.success = says_success(octets);
    keep(what, octets);
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
        wanted.client = address_of(what.frontend);
        wanted.server = address_of(what.backend);
        kept.connection = connection_of(wanted);
        m_asked[number] = keep_command(kept, what.packet);
    } else {
        const auto to = m_asked.extract(number);
        sc_assert(!to.empty());
        keep_answer(to.mapped(), kept, what.packet);
    }
}

void packet_capture::chip_done(const tpm::chip_command& what, std::size_t number) {
    const hop& command = m_hops.hops()[number];
    connection wanted;
    wanted.interface = interface_of(command.chip + " chip bus", "FIFO of the " + command.chip + " TPM");
    wanted.life = command.from ? xen::to_underlying(*command.from) + std::uint64_t{1} : 0;
    wanted.client = command.from ? address_of(*command.from) : platform_at;
    wanted.server = chips_at + static_cast<std::uint32_t>(wanted.interface);
    m_hosts[wanted.client] = name_of(command.from);
    m_hosts[wanted.server] = command.chip + "-tpm";
    const asked executed = keep_command({.at_ps = command.begin_ps,
                                         .connection = connection_of(wanted),
                                         .hop = number,
                                         .claimed = static_cast<std::uint32_t>(what.command.size())},
                                        what.command);
    keep_answer(executed,
                {.at_ps = *command.end_ps,
                 .hop = number,
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

std::vector<std::size_t> packet_capture::packets_in_order() const {
    std::vector<std::size_t> order(m_packets.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [this](std::size_t number) { return m_packets[number].at_ps; });
    return order;
}

bool packet_capture::write(std::ostream& out) const {
    pcapng_writer file(out, "vtwin");
    for (const interface& each : m_interfaces)
        file.add_interface(each.name, each.description);
    file.add_host_names({m_hosts.begin(), m_hosts.end()});
    std::map<std::pair<std::size_t, bool>, tcp_conversation> open;
    std::optional<std::size_t> last_command;  // of those that analysers read
    for (const std::size_t number : packets_in_order()) {
        const packet& each = m_packets[number];
        const connection& used = m_connections[each.connection];
        const bool known = each.dissects && (!each.answer || !each.success || last_command == each.hop);
        if (known && !each.answer)
            last_command = each.hop;
        const auto port = static_cast<std::uint16_t>(first_client_port + open.size() % client_ports);
        tcp_conversation& talk = open.try_emplace({each.connection, known}, tcp_endpoint{used.client, port},
                                                  tcp_endpoint{used.server, known ? port_tpm20 : port_other})
                                     .first->second;
        const auto payload = std::span(m_octets).subspan(each.begin, each.size);
        file.add_packet(static_cast<std::uint32_t>(used.interface), each.at_ps / 1000,
                        each.answer ? talk.to_client(payload) : talk.to_server(payload), comment_of(each));
    }
    return file.good();
}

}  // namespace vtwin::trace
