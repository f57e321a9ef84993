// What a virtual disk is to the back end that serves it. A fault or a recorder wraps one disk_if in another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <systemc>

namespace vtwin::xen {

inline constexpr std::size_t sector_size = 512;

enum class disk_operation : std::uint8_t { read, write, flush };

/// Addresses and lengths are whole sectors of 512 bytes. The calls take no simulated time; the time that the
/// disk needs is asked for separately and paid by the back end. False is an I/O error.
class disk_if {
  public:
    virtual ~disk_if() = default;
    virtual std::uint64_t sectors() const = 0;
    [[nodiscard]] virtual bool read(std::uint64_t sector, std::span<std::byte> out) = 0;
    [[nodiscard]] virtual bool write(std::uint64_t sector, std::span<const std::byte> data) = 0;
    /// Everything written before is on the medium afterwards.
    [[nodiscard]] virtual bool flush() = 0;
    /// How long the disk works on such a request.
    virtual sc_core::sc_time service_time(disk_operation what, std::uint32_t sectors) const = 0;
};

}  // namespace vtwin::xen
