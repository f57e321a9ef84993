#include "traces/pcapng_writer.h"

#include <systemc>

namespace vtwin::trace {
namespace {

constexpr std::uint32_t section_header = 0x0A0D0D0A, interface_description = 1, name_resolution = 4,
                        enhanced_packet = 6;
constexpr std::uint16_t opt_comment = 1, shb_userappl = 4, if_name = 2, if_description = 3, if_tsresol = 9,
                        nrb_record_ipv4 = 1;
constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
constexpr std::size_t longest_option = 0xFFFF;

}  // namespace

pcapng_writer::pcapng_writer(std::ostream& out, std::string_view application) : m_out(out) {
    put(byte_order_magic, 4);
    put(1, 2);  // version 1.0
    put(0, 2);
    put(~std::uint64_t{0}, 8);  // the section's length is not given
    option(shb_userappl, application);
    end_of_options();
    finish_block(section_header);
}

std::uint32_t pcapng_writer::add_interface(std::string_view name, std::string_view description,
                                           std::uint16_t link_type) {
    put(link_type, 2);
    put(0, 2);
    put(0, 4);  // packets are never cut
    option(if_name, name);
    option(if_description, description);
    option(if_tsresol, "\x09");
    end_of_options();
    finish_block(interface_description);
    return m_interfaces++;
}

void pcapng_writer::add_host_names(const std::vector<std::pair<std::uint32_t, std::string>>& names) {
    for (const auto& [address, name] : names) {
        put(nrb_record_ipv4, 2);
        put(4 + name.size() + 1, 2);
        for (int shift = 24; shift >= 0; shift -= 8)
            put(address >> shift & 0xFF, 1);
        m_body += name;
        m_body += '\0';
        pad();
    }
    put(0, 4);  // nrb_record_end
    finish_block(name_resolution);
}

void pcapng_writer::add_packet(std::uint32_t interface, std::uint64_t at_ns, std::span<const std::byte> data,
                               std::string_view comment) {
    sc_assert(interface < m_interfaces);
    put(interface, 4);
    put(at_ns >> 32, 4);
    put(at_ns & 0xFFFFFFFF, 4);
    put(data.size(), 4);  // captured
    put(data.size(), 4);  // as it was
    m_body.append(reinterpret_cast<const char*>(data.data()), data.size());
    pad();
    if (!comment.empty()) {
        option(opt_comment, comment);
        end_of_options();
    }
    finish_block(enhanced_packet);
}

void pcapng_writer::put(std::uint64_t value, std::size_t octets) {
    for (; octets > 0; --octets, value >>= 8)
        m_body += static_cast<char>(value & 0xFF);
}

void pcapng_writer::pad() {
    while (m_body.size() % 4 != 0)
        m_body += '\0';
}

void pcapng_writer::option(std::uint16_t code, std::string_view value) {
    value = value.substr(0, longest_option);
    put(code, 2);
    put(value.size(), 2);
    m_body += value;
    pad();
}

void pcapng_writer::end_of_options() {
    put(0, 4);
}

// Type and length stand before the body, the length again behind it.
void pcapng_writer::finish_block(std::uint32_t type) {
    const std::string body = std::move(m_body);
    m_body.clear();
    const std::uint64_t length = 12 + body.size();
    put(type, 4);
    put(length, 4);
    m_body += body;
    put(length, 4);
    m_out.write(m_body.data(), static_cast<std::streamsize>(m_body.size()));
    m_body.clear();
}

}  // namespace vtwin::trace
