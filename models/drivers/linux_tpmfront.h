// Linux xen-tpmfront: a guest's TPM, served by a vTPM in another domain.
// Source: Linux drivers/char/tpm/xen-tpmfront.c (6.1); the defects are switches (linux_tpmfront.*).
#pragma once

#include <optional>
#include <string>

#include "models/behaviours/behaviours.h"
#include "models/drivers/linux_tpm_chip.h"
#include "models/drivers/linux_xenbus.h"
#include "models/drivers/tpmif_page.h"

namespace vtwin::models {

/// Waiting is polling: the event only wakes a queue that nobody sleeps on.
class linux_tpmfront final : public xenbus_driver, public linux_tpm_driver_if, public tpm_transport_if {
  public:
    linux_tpmfront(kernel& owner, linux_xenbus& bus, const behaviour_set& behaviours,
                   driver_params params = {});

    /// /dev/tpm0: the number of response bytes, or a negative errno.
    int transmit(byte_view command, bytes& response) { return m_chip.transmit_from_user(command, response); }
    /// The same for programs that know only transports.
    transport_result transmit(byte_view command) override;
    linux_tpm_chip& chip() { return m_chip; }
    /// What stands in the page with the next commands; Linux itself knows only 0.
    void set_locality(std::uint8_t locality) { m_locality = locality; }
    /// The device is registered: /dev/tpm0 exists.
    bool present() const { return m_chip.registered(); }
    /// Blocks until it is.
    void wait_until_present();

    // xenbus_driver
    std::string_view type() const override { return "vtpm"; }
    int probe(xenbus_device& device) override;
    void remove(xenbus_device& device) override;
    void other_end_changed(xenbus_device& device, xen::xenbus_state state) override;

    // linux_tpm_driver_if
    int send(byte_view command) override;
    int receive(std::span<std::byte> buffer) override;
    void cancel() override;
    std::uint8_t status() override;

  private:
    int set_up_ring(xenbus_device& device);
    bool wait_for_status(std::uint8_t mask, const sc_core::sc_time& timeout);
    void on_event();

    kernel& m_kernel;
    linux_xenbus& m_bus;
    const behaviour_set& m_behaviours;
    driver_params m_params;
    linux_tpm_chip m_chip;
    wait_queue m_irq, m_registered;
    std::optional<xen::gfn_t> m_ring;
    xen::grant_ref m_ref{};
    xen::evtchn_port m_port{};
    tpmif_page m_page;
    std::uint8_t m_locality = 0, m_page_locality = 0;
};

}  // namespace vtwin::models
