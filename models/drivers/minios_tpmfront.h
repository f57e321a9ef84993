// mini-os tpmfront: the TPM of a stub domain, served by a backend in another one.
// Source: mini-os tpmfront.c; the defects are switches of the behaviour registry (tpmfront.*).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/behaviours/behaviours.h"
#include "models/drivers/driver_params.h"
#include "models/drivers/tpmif_page.h"
#include "models/kernel/kernel.h"
#include "models/kernel/xenbus_client.h"
#include "models/ports.h"

namespace vtwin::models {

class minios_tpmfront final : public tpm_transport_if {
  public:
    minios_tpmfront(kernel& owner, const behaviour_set& behaviours, driver_params params = {});

    /// init_tpmfront: publishes the ring and waits until the backend is connected. False after a clean
    /// shutdown.
    bool init(const std::string& node = "device/vtpm/0");
    /// tpmfront_cmd: send and receive.
    transport_result transmit(byte_view command) override;
    /// Stores the byte that goes with the following requests.
    void set_locality(std::uint8_t locality);
    /// shutdown_tpmfront: leaves the frontend in state 1 and the backend in 2, as a next kernel expects them.
    void shutdown();
    bool connected() const { return m_connected; }

  private:
    bool publish();
    bool wait_for_backend(const std::function<bool(xen::xenbus_state)>& accept,
                          const std::function<bool(xen::xenbus_state)>& refuse);
    bool watch_backend();
    void set_state(xen::xenbus_state state);
    void on_event();
    bool wait_for_answer();
    void release();

    kernel& m_kernel;
    const behaviour_set& m_behaviours;
    driver_params m_params;
    watch_queue m_events;
    wait_queue m_answered;
    std::string m_node, m_backend_path;
    xen::domid_t m_backend{};
    std::optional<xen::gfn_t> m_frame;
    xen::grant_ref m_ref{};
    xen::evtchn_port m_port{};
    tpmif_page m_page;
    bool m_published = false, m_watching = false, m_connected = false, m_waiting = false;
};

}  // namespace vtwin::models
