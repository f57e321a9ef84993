// The pcapng file format (draft-ietf-opsawg-pcapng) as far as a capture on a simulated clock needs it.
// Little-endian everywhere; the file says nothing of the host or of the time of day.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vtwin::trace {

/// LINKTYPE_RAW: packets begin with an IP header.
inline constexpr std::uint16_t linktype_raw = 101;

/// Interfaces are declared before the packets that they carry, names of hosts anywhere.
class pcapng_writer {
  public:
    /// Writes the section header.
    pcapng_writer(std::ostream& out, std::string_view application);

    /// Number of the new interface. Its timestamps count nanoseconds.
    std::uint32_t add_interface(std::string_view name, std::string_view description,
                                std::uint16_t link_type = linktype_raw);
    /// IPv4 addresses and what they are called.
    void add_host_names(const std::vector<std::pair<std::uint32_t, std::string>>& names);
    /// No comment when it is empty.
    void add_packet(std::uint32_t interface, std::uint64_t at_ns, std::span<const std::byte> data,
                    std::string_view comment);

    /// False when a write failed.
    bool good() const { return m_out.good(); }

  private:
    void put(std::uint64_t value, std::size_t octets);
    void pad();
    void option(std::uint16_t code, std::string_view value);
    void end_of_options();
    void finish_block(std::uint32_t type);

    std::ostream& m_out;
    std::string m_body;  ///< of the block being made
    std::uint32_t m_interfaces = 0;
};

}  // namespace vtwin::trace
