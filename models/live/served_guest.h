// A guest whose user space carries out what others ask for: programs behind sockets, or a recording of them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "models/live/served_tpm.h"
#include "models/platform/linux_domain.h"
#include "models/platform/vtpm_domain.h"

namespace vtwin::models::live {

/// Takes the place of the guest's user program before the simulation begins; outlives it.
///
/// After a power cycle the guest's boot loader measures nothing and its kernel leaves the TPM alone: the
/// program behind the door is firmware and kernel then. The vTPM's stub domain is a new one that took its
/// state from its disk. As the stub domain and the guest's kernel have started it to see that it is there,
/// its TPM then gets TPM_Init once more, with what its non-volatile memory held when the power went:
/// TPM_Startup with ST_STATE works.
///
/// A vTPM whose domain has died (a fault of the scenario) fails everything that is asked of it, commands
/// after the driver's time-outs, until a power-on has started a new one.
class served_guest final : public served_tpm {
  public:
    /// `restart` begins to destroy and create the guest and its vTPM, and comes back at once.
    served_guest(guest_domain& guest, vtpm_domain& vtpm, std::function<void()> restart, work_if& work,
                 start_mode start);

    tpm::family version() const override { return m_vtpm.engine().version(); }
    std::string describe_tpm(std::uint64_t what) override { return m_vtpm.engine().description(what); }
    std::uint32_t buffer_size() const override { return linux_tpm_chip::buffer_size; }

  private:
    kernel& os() override { return m_guest.os; }
    linux_tpm_chip* device() override { return &m_guest.tpm().chip(); }
    bool use_locality(std::uint8_t locality) override;
    answer beside_the_device(const operation& what) override;

    void program();
    answer attest(const operation& what);
    answer hash_sequence(const operation& what);
    answer taken(operation::kind what);
    answer give(const operation& what);
    bool put_given_state();
    void switch_on(const operation& what);
    void begin_power_cycle(const operation& what);
    bool finish_power_cycle();

    guest_domain& m_guest;
    vtpm_domain& m_vtpm;
    std::function<void()> m_restart;
    start_mode m_start;
    std::optional<operation> m_power_on;  ///< under way: the guest is being started again for it
    sc_core::sc_time m_power_on_begun;
    /// The non-volatile memory when the power went; none of a vTPM that was dead then: what its disk has
    /// counts.
    std::optional<tpm::libtpms_engine::blobs> m_before;
    std::optional<bytes> m_permanent, m_volatile, m_saved;  ///< for the next power-on
};

}  // namespace vtwin::models::live
