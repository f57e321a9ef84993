// User space of a guest that proves its state to a remote verifier: owner and AIK of its vTPM, certificate
// from the privacy CA, quotes on demand.
#pragma once

#include <string>
#include <vector>

#include "models/attestation/messages.h"
#include "models/guest/ima_log.h"
#include "models/ports.h"
#include "tpm/codec/tpm12_client.h"

namespace vtwin::models {

class attestation_agent {
  public:
    attestation_agent(std::string guest, tpm_transport_if& device, remote_service_if& network,
                      tpm::entropy_if& entropy, stubdom_services_if& services);

    /// TakeOwnership, MakeIdentity, the privacy CA's challenge, LoadKey2. False with `problem` when refused.
    bool enrol(std::string& problem);
    /// Asks for a nonce, quotes and hands the evidence over; nullopt with `problem` when it did not come to a
    /// verdict.
    std::optional<verdict> attest(const std::vector<measurement>& boot_log,
                                  const std::vector<ima_entry>& ima_list, bool attached_late,
                                  std::string& problem);
    /// The evidence of the last attestation, as sent.
    const evidence& last_evidence() const { return m_evidence; }

    tpm::tpm12::client& tpm() { return m_tpm; }

  private:
    bool take_ownership(std::string& problem);
    bool make_identity(std::string& problem);
    bool activate_identity(const enrol_reply& reply, std::string& problem);
    bool load_identity(std::string& problem);
    bool quote(const challenge_reply& challenge, std::string& problem);
    bool deep_quote(const challenge_reply& challenge, std::string& problem);
    bool read_pcrs(std::string& problem);

    std::string m_guest;
    remote_service_if& m_network;
    tpm::entropy_if& m_entropy;
    stubdom_services_if& m_services;
    tpm::tpm12::client m_tpm;
    tpm::tpm12::secret m_owner_secret{}, m_srk_secret{}, m_aik_secret{};
    tpm::tpm12::public_key m_ek;
    tpm::tpm12::key m_aik;
    std::uint32_t m_aik_handle = 0;
    bytes m_aik_certificate;
    evidence m_evidence;
};

}  // namespace vtwin::models
