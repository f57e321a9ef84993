// A guest whose user space carries out what others ask for: programs behind sockets, or a recording of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "models/drivers/linux_tpm_space.h"
#include "models/live/operation.h"
#include "models/platform/linux_domain.h"
#include "models/platform/vtpm_domain.h"

namespace vtwin::models::live {

/// Takes the place of the guest's user program before the simulation begins; outlives it.
///
/// After a power cycle the guest's boot loader measures nothing and its kernel leaves the TPM alone: the
/// program behind the door is firmware and kernel then. The vTPM's stub domain is a new one that took its
/// state from its disk. As the stub domain and the guest's kernel have started it to see that it is there,
/// its TPM then gets TPM_Init once more, with what its non-volatile memory held when the power went:
/// TPM_Startup with ST_STATE works. Files of /dev/tpmrm0 end with the power: their next command opens
/// them anew. With a TPM 1.2 there are none: -ENODEV.
class served_guest {
  public:
    /// `restart` begins to destroy and create the guest and its vTPM, and comes back at once.
    served_guest(guest_domain& guest, vtpm_domain& vtpm, std::function<void()> restart, work_if& work,
                 start_mode start);
    served_guest(const served_guest&) = delete;
    served_guest& operator=(const served_guest&) = delete;

    tpm::family version() const { return m_vtpm.engine().version(); }
    /// libtpms_engine::description() of the guest's TPM.
    std::string describe_tpm(std::uint64_t what) { return m_vtpm.engine().description(what); }
    /// How often it was switched on for a client.
    std::uint64_t power_cycles() const { return m_power_cycles; }

  private:
    void program(guest_domain& guest);
    void serve(guest_domain& guest);
    answer perform(guest_domain& guest, const operation& what);
    answer command(guest_domain& guest, const operation& what);
    int transmit_managed(guest_domain& guest, const operation& what, bytes& response);
    answer close(const operation& what);
    answer beside_the_ring(const operation& what);
    answer attest(guest_domain& guest, const operation& what);
    answer hash_sequence(const operation& what);
    answer taken(operation::kind what);
    answer give(const operation& what);
    bool put_given_state();
    void begin_power_cycle(const operation& what, guest_domain& guest);
    bool finish_power_cycle();

    vtpm_domain& m_vtpm;
    std::function<void()> m_restart;
    work_if& m_work;
    start_mode m_start;
    bool m_powered = true;
    std::map<std::uint32_t, linux_tpm_space> m_files;  ///< open ones of /dev/tpmrm0
    std::optional<operation> m_power_on;               ///< under way: the guest is being started again for it
    sc_core::sc_time m_power_on_begun;
    tpm::libtpms_engine::blobs m_before;                    ///< the non-volatile memory when the power went
    std::optional<bytes> m_permanent, m_volatile, m_saved;  ///< for the next power-on
    /// Since the last power-on nothing reached the TPM: another one would change nothing. QEMU sends two or
    /// three in a row.
    bool m_untouched = false;
    std::uint64_t m_power_cycles = 0;
};

}  // namespace vtwin::models::live
