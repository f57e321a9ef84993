#include "models/remote/remote_parties.h"

#include <fmt/format.h>

namespace vtwin::models {

remote_parties::remote_parties(verifier_config config, const entropy_factory& entropy)
    : m_manufacturer_entropy(entropy("manufacturer")),
      m_ca_entropy(entropy("privacy_ca")),
      m_saa_entropy(entropy("saa")),
      m_verifier_entropy(entropy("verifier")),
      m_manufacturer(*m_manufacturer_entropy),
      m_ca(*m_ca_entropy, m_manufacturer.root()),
      m_saa(*m_saa_entropy, config.platform, config.hardware_pcr_mask),
      m_verifier(std::move(config), *m_verifier_entropy) {}

bytes remote_parties::certify_chip(byte_view ek_public) {
    return m_manufacturer.certify(ek_public);
}

template <typename Request, typename Serve>
std::string remote_parties::serve(std::string_view service, const std::string& body, Serve&& function) {
    auto request = from_json<Request>(body);
    if (request)
        return function(std::move(*request));
    m_refusals.push_back(fmt::format("{}: the request is not a valid message of this service", service));
    return {};
}

std::string remote_parties::handle(std::string_view service, const std::string& body) {
    if (service == "manufacturer/ek-certificate")
        return serve<ek_certificate_request>(service, body, [&](const ek_certificate_request& request) {
            return to_json(ek_certificate_reply{m_manufacturer.find(request.ek_public)});
        });
    if (service == "ca/public-key")
        return serve<ca_key_request>(
            service, body, [&](const ca_key_request&) { return to_json(ca_key_reply{m_ca.public_key()}); });
    if (service == "ca/enrol-platform")
        return serve<enrol_request>(service, body, [&](const enrol_request& request) {
            return to_json(m_ca.enrol_platform(request));
        });
    if (service == "ca/enrol-guest")
        return serve<enrol_request>(
            service, body, [&](const enrol_request& request) { return to_json(m_ca.enrol_guest(request)); });
    if (service == "ca/enrol-guest-tpm20")
        return serve<enrol_tpm20_request>(service, body, [&](const enrol_tpm20_request& request) {
            return to_json(m_ca.enrol_guest_tpm20(request));
        });
    if (service == "saa/public-key")
        return serve<saa_key_request>(
            service, body, [&](const saa_key_request&) { return to_json(saa_key_reply{m_saa.modulus()}); });
    if (service == "saa/configuration")
        return serve<saa_config_request>(service, body, [&](const saa_config_request& request) {
            return to_json(m_saa.configure(request));
        });
    if (service == "verifier/challenge")
        return serve<challenge_request>(service, body, [&](const challenge_request& request) {
            const auto reply = m_verifier.challenge(request);
            if (!reply)
                m_refusals.push_back(
                    fmt::format("verifier/challenge: there is no reference for {}", request.guest));
            return reply ? to_json(*reply) : std::string();
        });
    if (service == "verifier/evidence")
        return serve<evidence>(service, body, [&](evidence shown) { return assess(std::move(shown)); });
    m_refusals.push_back(fmt::format("{}: there is no such service", service));
    return {};
}

std::string remote_parties::assess(evidence shown) {
    verdict outcome = m_verifier.judge(shown, directory());
    m_assessments.push_back({std::move(shown), std::move(outcome)});
    return to_json(m_assessments.back().outcome);
}

remote::public_directory remote_parties::directory() const {
    remote::public_directory directory;
    directory.privacy_ca_root = m_ca.root();
    directory.saa_modulus = m_saa.modulus();
    directory.signed_configurations = m_saa.signed_lists();
    for (const auto& issued : m_ca.certificates())
        if (issued.role == remote::key_role::platform_attestation)
            directory.platform_certificates.push_back(issued.certificate);
    return directory;
}

}  // namespace vtwin::models
