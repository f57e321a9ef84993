// The machine's firmware and boot loader as far as the hardware TPM sees them: TPM_Startup and the
// measurements of the boot, through locality 0 of the TIS, polling without interrupts as SeaBIOS does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hypervisor/ports.h"
#include "models/platform/config.h"
#include "models/ports.h"

namespace vtwin::models {

class firmware {
  public:
    /// `poll`: pause between two looks at a status register.
    firmware(xen::mmio_if& bus, const sc_core::sc_time& poll);

    /// Starts the TPM (Startup CLEAR), extends the measurements in order and gives the locality back. False
    /// with `problem` when the chip does not answer or refuses.
    bool boot(const std::vector<firmware_measurement>& measurements, std::string& problem);

    /// One command through the TIS; empty when the chip did not answer within its time-outs.
    bytes transmit(byte_view command);

  private:
    std::uint8_t read8(std::uint32_t offset);
    void write8(std::uint32_t offset, std::uint8_t value);
    bool wait_for(std::uint32_t offset, std::uint8_t mask, std::uint8_t value, const sc_core::sc_time& limit);
    std::uint32_t burst_count();
    bool send(byte_view command);
    bytes receive();

    xen::mmio_if& m_bus;
    sc_core::sc_time m_poll;
};

}  // namespace vtwin::models
