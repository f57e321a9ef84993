// A Linux guest above its vTPM driver: what IMA measures, and the attestations of its user space.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/attestation/messages.h"
#include "models/guest/guest_agent.h"
#include "models/guest/ima_log.h"
#include "models/platform/config.h"
#include "models/ports.h"
#include "tpm/codec/tpm12_client.h"
#include "tpm/codec/tpm20_client.h"

namespace vtwin::models {

/// One attestation as it ended.
struct attestation_outcome {
    std::string guest;
    sc_core::sc_time asked, answered;
    bool completed = false;
    std::string problem;  ///< when it did not complete
    verdict result;
    evidence sent;
};

/// The guest's measurement list, kept from boot on. Without a TPM at boot the list is kept and nothing is
/// extended, now or later, as IMA does.
class measurement_list {
  public:
    /// `device` may be nullptr: no TPM chip. `banks20`: the active banks when the chip is a TPM 2.0.
    measurement_list(tpm_transport_if* device, tpm::entropy_if& entropy,
                     std::optional<std::vector<std::uint16_t>> banks20 = std::nullopt);
    /// boot_aggregate over PCR 0 to 7 (TPM 2.0: 0 to 9 of the SHA-256 bank), the first entry.
    void begin();
    void measure(const measured_file& file);
    const std::vector<ima_entry>& entries() const { return m_entries; }

  private:
    void add(ima_entry entry);
    void extend(const ima_entry& entry);
    ima_entry boot_aggregate();
    ima_entry boot_aggregate20();
    tpm_transport_if* m_device;
    tpm::tpm12::client m_tpm;
    tpm::tpm20::client m_tpm20;
    std::optional<std::vector<std::uint16_t>> m_banks20;
    std::vector<ima_entry> m_entries;
};

/// Uses the configured files in order, `ima_interval` apart; IMA measures each at its first use.
void run_workload(const guest_config& guest, measurement_list& list, stubdom_services_if& services);

/// One attestation by an agent that has enrolled. `claims`: see guest_agent_if::attest.
attestation_outcome attest_once(const guest_config& guest, guest_agent_if& agent, evidence claims,
                                stubdom_services_if& services);

/// Enrols and attests as often as configured; every outcome goes to `report`.
void run_attestations(const guest_config& guest, guest_agent_if& agent, const evidence& claims,
                      stubdom_services_if& services, const std::function<void(attestation_outcome)>& report);

}  // namespace vtwin::models
