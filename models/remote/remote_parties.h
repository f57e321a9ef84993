// All parties outside the machine behind one door: services by name, JSON in, JSON out.
#pragma once

#include <functional>
#include <memory>

#include "models/remote/configuration_authority.h"
#include "models/remote/privacy_ca.h"
#include "models/remote/verifier.h"

namespace vtwin::models {

/// The chip's manufacturer, the privacy CA, the configuration authority and the verifier. Untimed: who calls
/// `handle` from inside the simulation adds the network's latency around it.
class remote_parties {
  public:
    /// Makes the stream of one consumer: "manufacturer", "privacy_ca", "saa", "verifier".
    using entropy_factory = std::function<std::unique_ptr<tpm::entropy_if>(std::string_view consumer)>;

    remote_parties(verifier_config config, const entropy_factory& entropy);
    remote_parties(const remote_parties&) = delete;
    remote_parties& operator=(const remote_parties&) = delete;

    /// The manufacturer certifies the EK (TPM_PUBKEY) of a chip that it delivers. X.509 DER; empty when the
    /// octets are no EK. From then on the service manufacturer/ek-certificate knows that chip.
    bytes certify_chip(byte_view ek_public);

    /// One request to one of the services of models/attestation/messages.h. Empty when the service is
    /// unknown, the body is not its message, or the challenged guest has no reference.
    std::string handle(std::string_view service, const std::string& body);

    struct assessment {
        evidence shown;
        verdict outcome;
    };
    const std::vector<assessment>& assessments() const { return m_assessments; }  ///< in the order of judging
    const remote::privacy_ca& ca() const { return m_ca; }
    const remote::chip_manufacturer& manufacturer() const { return m_manufacturer; }
    const remote::configuration_authority& authority() const { return m_saa; }
    const verifier_config& policy() const { return m_verifier.config(); }
    remote::public_directory directory() const;
    /// What was refused below the level of a reply, one sentence each.
    const std::vector<std::string>& refusals() const { return m_refusals; }

  private:
    std::string assess(evidence shown);
    template <typename Request, typename Serve>
    std::string serve(std::string_view service, const std::string& body, Serve&& function);

    std::unique_ptr<tpm::entropy_if> m_manufacturer_entropy, m_ca_entropy, m_saa_entropy, m_verifier_entropy;
    remote::chip_manufacturer m_manufacturer;
    remote::privacy_ca m_ca;
    remote::configuration_authority m_saa;
    remote::verifier m_verifier;
    std::vector<assessment> m_assessments;
    std::vector<std::string> m_refusals;
};

}  // namespace vtwin::models
