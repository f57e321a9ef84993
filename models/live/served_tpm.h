// A TPM that somebody else uses through a Linux domain's device: programs behind sockets, or a recording of
// them. What a guest's TPM and the hardware's have in common.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "models/drivers/linux_tpm_file.h"
#include "models/live/operation.h"

namespace vtwin::models::live {

/// Takes operations from `work` and carries them out, one after the other, in the domain's main thread, which
/// has /dev/tpm0 open for all that do not ask for a file of /dev/tpmrm0. A file is opened by its first
/// command; files end with the power, and their next command opens them anew. With a TPM 1.2 there is no
/// /dev/tpmrm0: -ENODEV.
class served_tpm {
  public:
    virtual ~served_tpm() = default;
    served_tpm(const served_tpm&) = delete;
    served_tpm& operator=(const served_tpm&) = delete;

    virtual tpm::family version() const = 0;
    /// libtpms_engine::description() of it.
    virtual std::string describe_tpm(std::uint64_t what) = 0;
    /// The longest command or response, in octets.
    virtual std::uint32_t buffer_size() const = 0;
    /// How often it was switched on for a client.
    std::uint64_t power_cycles() const { return m_power_cycles; }

  protected:
    explicit served_tpm(work_if& work) : m_work(work) {}

    // ---- what differs; called in the domain's thread
    virtual kernel& os() = 0;
    /// The core behind /dev/tpm0 and /dev/tpmrm0; nullptr: the kernel has no such device.
    virtual linux_tpm_chip* device() = 0;
    /// The next commands are sent at it. False: the device cannot, and they are answered with
    /// TPM_BAD_LOCALITY or TPM_RC_LOCALITY.
    virtual bool use_locality(std::uint8_t locality) = 0;
    /// All but commands and the closing of files.
    virtual answer beside_the_device(const operation& what) = 0;

    /// Until there is nothing more to do.
    void serve();
    answer command(const operation& what);
    /// The power has gone, or the kernel that had them open.
    void lose_files();

    work_if& m_work;
    bool m_powered = true;
    /// Since the last power-on nothing reached the TPM: another one would change nothing. QEMU sends two or
    /// three in a row.
    bool m_untouched = false;
    std::uint64_t m_power_cycles = 0;

  private:
    answer perform(const operation& what);
    int transmit(linux_tpm_chip& chip, const operation& what, bytes& response);
    answer close(const operation& what);

    std::map<std::uint32_t, linux_tpm_file> m_files;  ///< open ones; 0: of /dev/tpm0
};

/// TPM_Startup(ST_CLEAR), TPM2_Startup(SU_CLEAR).
bytes startup_clear(tpm::family version);

}  // namespace vtwin::models::live
