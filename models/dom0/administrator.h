// The administrator of the manager, in dom0: what manage-vtpmmgr does by hand, over dom0's own vTPM, which is
// the manager's first record and therefore has the administrator flag. Source: stubdom/vtpmmgr/docs,
// manage-vtpmmgr.pl.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/ports.h"

namespace vtwin::models {

struct provisioning_plan {
    std::string platform;             ///< subject of the group AIK's certificate
    bytes ek_public, ek_certificate;  ///< of the hardware TPM (TPM_PUBKEY; X.509 DER from its manufacturer)
    std::vector<std::string> labels;  ///< vTPM labels that the group shall accept
    std::vector<uuid_t> vtpms;        ///< records to create for the guests' vTPMs
};

class administrator {
  public:
    administrator(provisioning_plan plan, tpm_transport_if& device, remote_service_if& network,
                  stubdom_services_if& services);

    /// Claims group 0 (AIK, authority key), has the AIK certified, installs the signed configuration and
    /// creates the vTPM records. False with `problem` when a step was refused.
    bool provision(std::string& problem);

    const bytes& group_aik_certificate() const { return m_aik_certificate; }
    const bytes& group_uuid() const { return m_group_uuid; }

  private:
    struct reply {
        std::uint32_t status = 0;
        bytes body;
    };
    reply manage(std::uint32_t ordinal, byte_view body);
    reply hardware(std::uint32_t ordinal, byte_view body);
    bool create_group(std::string& problem);
    bool certify_group(std::string& problem);
    bool configure_group(std::string& problem);
    bool create_records(std::string& problem);
    reply exchange(std::uint16_t tag, std::uint32_t ordinal, byte_view body);

    provisioning_plan m_plan;
    tpm_transport_if& m_device;
    remote_service_if& m_network;
    stubdom_services_if& m_services;
    bytes m_group_uuid, m_aik_modulus, m_identity_binding, m_aik_certificate;
};

}  // namespace vtwin::models
