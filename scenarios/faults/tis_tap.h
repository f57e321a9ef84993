// What stands between a domain and the TIS registers: wire "<domain>.tis".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "hypervisor/ports.h"
#include "scenarios/faults/wire.h"

namespace vtwin::scenario {

inline constexpr unsigned locality_shift = 12;  ///< of an address in the window

/// One access to the window of the TPM while effects may change it.
struct tis_access {
    bool write = false;
    std::uint64_t address = 0;  ///< physical
    std::string_view reg;       ///< "" where no register is
    std::uint32_t offset = 0;   ///< in the page of its locality
    std::uint32_t locality = 0;
    std::span<std::byte> data;  ///< what is to be written; what was read
    bool lost = false;          ///< nobody on the bus answers: takes its time, a read gives all ones
    std::uint32_t repeats = 1;  ///< cycles that the chip sees; the last one gives what is read
};

class tis_effect : public fault_effect {
  public:
    /// Before the access is made.
    virtual void before(tis_access&) {}
    /// When it was made or lost; in a read `data` is what the domain will see.
    virtual void after(tis_access&) {}
};

/// "TPM_STS" for 0x18 to 0x1B in a locality's page, "" where no register is. Names as tis_device declares
/// them.
std::string_view tis_register_at(std::uint32_t offset);

class tis_tap final : public xen::mmio_if {
  public:
    tis_tap(wire& on, xen::mmio_if& inner) : m_wire(on), m_inner(inner) {}

    bool read(std::uint64_t address, std::span<std::byte> out) override;
    bool write(std::uint64_t address, std::span<const std::byte> data) override;

  private:
    std::vector<tis_effect*> cross(const tis_access& access);

    wire& m_wire;
    xen::mmio_if& m_inner;
};

}  // namespace vtwin::scenario
