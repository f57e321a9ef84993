// The system approval agent (SAA): the authority whose signature makes a platform configuration acceptable to
// a manager's group. Source: GROUP_UPDATE of Xen's stubdom/vtpmmgr.
#pragma once

#include <vector>

#include "models/attestation/messages.h"
#include "models/remote/tpm12_structures.h"

namespace vtwin::models::remote {

class configuration_authority {
  public:
    static constexpr std::size_t most_kernels = 16;  ///< a group's list of label hashes

    /// Approves the platform that `approved_boot` leads to, judged by the PCRs in `pcr_mask` and every other
    /// but 16 and 20 to 23 (software may reset those at any time). Configurations are tied to `pcr_mask`.
    configuration_authority(tpm::entropy_if& entropy, std::vector<firmware_measurement> approved_boot,
                            std::uint32_t pcr_mask);

    bytes modulus() const { return m_key.modulus(); }
    /// Signs a configuration list for the platform that showed its PCRs, or says which PCR is not approved.
    saa_config_reply configure(const saa_config_request& request);
    /// CFG_LISTs that it has signed, oldest first.
    const std::vector<bytes>& signed_lists() const { return m_signed; }

  private:
    std::string refuse(const saa_config_request& request) const;
    bytes cfg_list(const saa_config_request& request) const;

    rsa_key m_key;
    std::vector<firmware_measurement> m_approved_boot;
    std::uint32_t m_pcr_mask;
    std::uint64_t m_last_sequence = 0;
    std::vector<bytes> m_signed;
};

/// "PCR 2 differs from the approved boot (BIOS, option ROM): expected …, seen …".
std::string describe_difference(std::uint32_t pcr, const std::vector<firmware_measurement>& approved_boot,
                                byte_view expected, byte_view seen);

}  // namespace vtwin::models::remote
