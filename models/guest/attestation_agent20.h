// User space of a guest with a vTPM 2.0 that proves its state: EK and AK in the endorsement hierarchy, an AK
// certificate by MakeCredential and ActivateCredential, TPM2_Quote and the deep quote on demand.
#pragma once

#include "models/guest/guest_agent.h"
#include "models/ports.h"
#include "tpm/codec/tpm20_client.h"

namespace vtwin::models {

/// What the agent keeps on the guest's disk from boot to boot. The keys themselves are persistent in the TPM.
struct agent20_files {
    bool enrolled = false;
    bytes ak_password;
    bytes ak_public;  ///< TPMT_PUBLIC
    bytes ak_certificate;
};

class attestation_agent20 final : public guest_agent_if {
  public:
    /// Where the keys are made persistent: the EK's handle of the TCG provisioning guidance, and the next.
    static constexpr std::uint32_t ek_handle = 0x81010001, ak_handle = 0x81010002;

    attestation_agent20(std::string guest, tpm_transport_if& device, remote_service_if& network,
                        tpm::entropy_if& entropy, stubdom_services_if& services, agent20_files& files);

    bool enrol(std::string& problem) override;
    /// The evidence is one deep quote: the TPM2_Quote inside it is what the verifier judges.
    std::optional<verdict> attest(evidence claims, std::string& problem) override;
    const evidence& last_evidence() const override { return m_evidence; }
    bool quote(const challenge_reply& challenge, std::string& problem) override;
    bool deep_quote(const challenge_reply& challenge, std::string& problem) override;

  private:
    /// Makes a primary key of the endorsement hierarchy and keeps it at `persistent`. Its public area; empty
    /// with `problem` when refused.
    bytes make_key(const char* what, std::uint32_t persistent, byte_view password, byte_view key_template,
                   std::string& problem);
    bool get_certificate(byte_view ek_public, std::string& problem);
    bool find_key(std::string& problem);

    std::string m_guest;
    remote_service_if& m_network;
    tpm::entropy_if& m_entropy;
    stubdom_services_if& m_services;
    tpm::tpm20::client m_tpm;
    agent20_files& m_files;
    evidence m_evidence;
};

}  // namespace vtwin::models
