// Linux tpm_tis: a hardware TPM behind its TIS registers, polled, for a domain that may touch them.
// Source: Linux drivers/char/tpm/tpm_tis_core.c and tpm_tis.c (6.1), without an interrupt.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "models/drivers/driver_params.h"
#include "models/drivers/linux_tpm_chip.h"
#include "models/kernel/kernel.h"

namespace vtwin::models {

/// Takes the locality for each use of the chip and gives it back: another user of the chip waits for one
/// command, not for ever. mini-os' tpm_tis instead keeps it until it sees somebody ask, and looks only behind
/// a command of its own. When a request is not granted within TIMEOUT_A it stays pending, as Linux leaves it:
/// the chip may then be handed over to a driver that does not wait for it any more.
///
/// Linux always uses locality 0. Here it can be another one, since on Xen 0 may be the manager's.
class linux_tpm_tis final : public linux_tpm_driver_if {
  public:
    static constexpr std::uint64_t first_page = 0xFED40000, locality_size = 0x1000;

    /// Without permission for the locality's page the kernel panics at its first access.
    explicit linux_tpm_tis(kernel& owner, unsigned locality = 0, driver_params params = {});

    /// tpm_tis_core_init: waits for the chip, turns its interrupts off, asks for its family, starts it, and
    /// registers it: /dev/tpm0 exists. 0, or a negative errno: -ENODEV when no chip answers. In a thread.
    int init();
    linux_tpm_chip& chip() { return m_chip; }
    const linux_tpm_chip& chip() const { return m_chip; }
    std::uint32_t did_vid() const { return m_did_vid; }
    std::uint8_t rid() const { return m_rid; }

    // linux_tpm_driver_if
    int send(byte_view command) override;
    int receive(std::span<std::byte> buffer) override;
    /// Aborts the command, as Linux does after its duration.
    void cancel() override;
    std::uint8_t status() override;
    int request_locality() override;
    void relinquish_locality() override;
    std::optional<microseconds4> corrected_timeouts() override;
    std::optional<sc_core::sc_time> corrected_durations() override;

  private:
    std::uint8_t read8(std::uint64_t offset) { return m_kernel.mmio_read8(m_base + offset); }
    std::uint32_t read32(std::uint64_t offset) { return m_kernel.mmio_read32(m_base + offset); }
    void write8(std::uint64_t offset, std::uint8_t value) { m_kernel.mmio_write8(m_base + offset, value); }
    void write32(std::uint64_t offset, std::uint32_t value) { m_kernel.mmio_write32(m_base + offset, value); }
    std::uint16_t vendor() const { return static_cast<std::uint16_t>(m_did_vid); }

    int set_up();
    bool is_up();
    bool has_locality();
    bool wait_for(bool (linux_tpm_tis::*seen)());
    int find_early_expect();
    std::uint8_t sts();
    bool wait_for_status(std::uint8_t mask, const sc_core::sc_time& timeout);
    bool is_cancelled(std::uint8_t status) const;
    int burst_count();
    int send_data(byte_view command);
    int send_all_but_last(byte_view command);
    int send_last(std::byte last);
    int receive_data(std::span<std::byte> out);
    int receive_response(std::span<std::byte> buffer);

    kernel& m_kernel;
    driver_params m_params;
    std::uint64_t m_base;
    linux_tpm_chip m_chip;
    sc_core::sc_time m_poll;
    std::uint32_t m_did_vid = 0;
    std::uint8_t m_rid = 0;
    bool m_expect_ignored = false;  ///< Intel's iTPM lowers Expect one byte early
    bool m_told_invalid = false;    ///< the log has a status without locality
};

}  // namespace vtwin::models
