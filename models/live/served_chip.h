// dom0's user space as the user of the machine's hardware TPM, beside the manager: what others ask for,
// through the Linux driver of dom0.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "models/live/served_tpm.h"
#include "models/platform/tpm_hardware.h"

namespace vtwin::models::live {

/// Commands go to dom0's /dev/tpm0. The driver has one locality: a command that asks for another one than
/// that or 0 is refused. What no driver does comes from the board: power is a reset of the chip (LRESET#), a
/// dynamic launch the cycles that the processor makes in the page of locality 4. They take the time of the
/// bus. A chip gives nobody its state: taking and giving it fail.
class served_chip final : public served_tpm {
  public:
    /// `locality`: the one of dom0's driver.
    served_chip(tpm_hardware& hardware, unsigned locality, work_if& work);

    /// Called in dom0's thread when the power goes, and once more when it comes: takes it from all that runs
    /// above the hypervisor but dom0, and comes back when that is gone. dom0 stands for the machine's
    /// firmware and system from then on.
    std::function<void()> on_power_off = [] {};

    /// The program: in the main thread of dom0, with its driver's core, until there is nothing more to do.
    /// `device` nullptr: the driver found no chip. With `start` init or clear the chip is reset first.
    void run(kernel& dom0, linux_tpm_chip* device, start_mode start);

    tpm::family version() const override { return m_hardware.engine().version(); }
    std::string describe_tpm(std::uint64_t what) override { return m_hardware.engine().description(what); }
    std::uint32_t buffer_size() const override { return m_hardware.profile().buffer_size; }

  private:
    kernel& os() override { return *m_os; }
    linux_tpm_chip* device() override { return m_device; }
    bool use_locality(std::uint8_t locality) override;
    answer beside_the_device(const operation& what) override;

    std::uint8_t access();
    void reset_chip();
    answer established();
    answer reset_established(const operation& what);
    answer launch(const operation& what);
    bool launching() const;

    tpm_hardware& m_hardware;
    std::uint8_t m_locality;
    kernel* m_os = nullptr;
    linux_tpm_chip* m_device = nullptr;
};

}  // namespace vtwin::models::live
