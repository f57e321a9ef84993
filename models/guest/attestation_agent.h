// User space of a guest that proves its state to a remote verifier: owner and AIK of its vTPM, certificate
// from the privacy CA, quotes on demand.
#pragma once

#include <string>
#include <vector>

#include "models/guest/guest_agent.h"
#include "models/platform/config.h"
#include "models/ports.h"
#include "tpm/codec/tpm12_client.h"

namespace vtwin::models {

/// What the agent keeps on the guest's disk from boot to boot.
struct agent_files {
    bool enrolled = false;
    tpm::tpm12::secret owner_secret{}, srk_secret{}, aik_secret{};
    tpm::tpm12::public_key ek;
    tpm::tpm12::key aik;
    bytes aik_certificate;
};

class attestation_agent final : public guest_agent_if {
  public:
    attestation_agent(std::string guest, tpm_transport_if& device, remote_service_if& network,
                      tpm::entropy_if& entropy, stubdom_services_if& services, agent_files& files,
                      quote_command quote = quote_command::quote);

    /// TakeOwnership, MakeIdentity, the privacy CA's challenge, LoadKey2; only the last when it was enrolled
    /// at an earlier boot. False with `problem` when refused.
    bool enrol(std::string& problem) override;
    std::optional<verdict> attest(evidence claims, std::string& problem) override;
    const evidence& last_evidence() const override { return m_evidence; }
    bool quote(const challenge_reply& challenge, std::string& problem) override;
    bool deep_quote(const challenge_reply& challenge, std::string& problem) override;

    tpm::tpm12::client& tpm() { return m_tpm; }

  private:
    bool take_ownership(std::string& problem);
    bool make_identity(std::string& problem);
    bool activate_identity(const enrol_reply& reply, std::string& problem);
    bool load_identity(std::string& problem);
    bool quote2(const challenge_reply& challenge, std::string& problem);
    bool read_pcrs(std::string& problem);

    std::string m_guest;
    remote_service_if& m_network;
    tpm::entropy_if& m_entropy;
    stubdom_services_if& m_services;
    tpm::tpm12::client m_tpm;
    agent_files& m_files;
    quote_command m_quote;
    std::uint32_t m_aik_handle = 0;
    evidence m_evidence;
};

}  // namespace vtwin::models
