#include "models/guest/attestation_agent20.h"

#include <fmt/format.h>

#include "models/attestation/activation.h"

namespace vtwin::models {

namespace t20 = tpm::tpm20;

namespace {

constexpr std::size_t nonce_size = 20, session_nonce_size = 32, password_size = 32;

}  // namespace

attestation_agent20::attestation_agent20(std::string guest, tpm_transport_if& device,
                                         remote_service_if& network, tpm::entropy_if& entropy,
                                         stubdom_services_if& services, agent20_files& files)
    : m_guest(std::move(guest)),
      m_network(network),
      m_entropy(entropy),
      m_services(services),
      m_tpm([&device](byte_view command) { return device.transmit(command).response; }),
      m_files(files) {}

bool attestation_agent20::enrol(std::string& problem) {
    if (m_files.enrolled)
        return find_key(problem);
    m_files.ak_password.resize(password_size);
    m_entropy.fill(m_files.ak_password);
    const bytes ek = make_key("EK", ek_handle, {}, t20::endorsement_key_template(), problem);
    if (ek.empty())
        return false;
    m_files.ak_public =
        make_key("AK", ak_handle, m_files.ak_password, t20::attestation_key_template(), problem);
    m_files.enrolled = !m_files.ak_public.empty() && get_certificate(ek, problem);
    return m_files.enrolled;
}

bytes attestation_agent20::make_key(const char* what, std::uint32_t persistent, byte_view password,
                                    byte_view key_template, std::string& problem) {
    auto made = m_tpm.create_primary(t20::handle::endorsement, password, key_template);
    if (!made) {
        problem = fmt::format("TPM2_CreatePrimary of the {} answered 0x{:X}", what, made.code);
        return {};
    }
    std::uint32_t code = m_tpm.evict_control(made.value.handle, persistent);
    if (code == t20::rc::nv_defined) {  // left by an enrolment that failed later
        code = m_tpm.evict_control(persistent, persistent);
        if (code == t20::rc::success)
            code = m_tpm.evict_control(made.value.handle, persistent);
    }
    // Whatever came of it: the TPM has three places for transient objects.
    const std::uint32_t flushed = m_tpm.flush_context(made.value.handle);
    if (code == t20::rc::success)
        code = flushed;
    if (code != t20::rc::success) {
        problem = fmt::format("the {} cannot be made persistent: code 0x{:X}", what, code);
        return {};
    }
    return std::move(made.value.public_area);
}

bool attestation_agent20::get_certificate(byte_view ek_public, std::string& problem) {
    enrol_tpm20_request request;
    request.subject = m_guest;
    request.ek_public.assign(ek_public.begin(), ek_public.end());
    request.ak_public = m_files.ak_public;
    const auto reply = from_json<enrol_tpm20_reply>(m_network.call("ca/enrol-guest-tpm20", to_json(request)));
    if (!reply || !reply->accepted) {
        problem = "the privacy CA refused the AK: " + (reply ? reply->reason : "no answer");
        return false;
    }
    bytes nonce(session_nonce_size);
    m_entropy.fill(nonce);
    const auto key = m_tpm.activate_credential(ak_handle, m_files.ak_password, ek_handle,
                                               reply->credential_blob, reply->secret, nonce);
    if (!key) {
        problem = fmt::format("TPM2_ActivateCredential answered 0x{:X}", key.code);
        return false;
    }
    const auto certificate = open_certificate_with(key.value, reply->sym_blob);
    if (!certificate) {
        problem = "the AK certificate does not open with the activated credential";
        return false;
    }
    m_files.ak_certificate = *certificate;
    m_services.log(stubdom_services_if::level::info, "AK certified by the privacy CA");
    return true;
}

/// The vTPM may have become another one since the last boot.
bool attestation_agent20::find_key(std::string& problem) {
    const auto found = m_tpm.read_public(ak_handle);
    if (!found)
        problem = fmt::format("TPM2_ReadPublic of the AK answered 0x{:X}", found.code);
    else if (found.value != m_files.ak_public)
        problem = "the vTPM holds another AK than the certified one";
    else
        return true;
    return false;
}

std::optional<verdict> attestation_agent20::attest(evidence claims, std::string& problem) {
    const auto challenge =
        from_json<challenge_reply>(m_network.call("verifier/challenge", to_json(challenge_request{m_guest})));
    if (!challenge || challenge->nonce.size() != nonce_size) {
        problem = "the verifier gave no challenge";
        return std::nullopt;
    }
    m_evidence = std::move(claims);
    m_evidence.guest = m_guest;
    m_evidence.nonce = challenge->nonce;
    m_evidence.aik_certificate = m_files.ak_certificate;
    if (!deep_quote(*challenge, problem))
        return std::nullopt;
    auto values = m_tpm.read_bank(t20::alg::sha256);
    if (!values) {
        problem = fmt::format("TPM2_PCR_Read answered 0x{:X}", values.code);
        return std::nullopt;
    }
    m_evidence.vtpm_pcrs = std::move(values.value);
    auto result = from_json<verdict>(m_network.call("verifier/evidence", to_json(m_evidence)));
    if (!result)
        problem = "the verifier gave no verdict";
    return result;
}

bool attestation_agent20::quote(const challenge_reply& challenge, std::string& problem) {
    auto quoted = m_tpm.quote(ak_handle, m_files.ak_password, challenge.nonce,
                              {t20::alg::sha256, challenge.vtpm_pcr_mask});
    if (!quoted)
        problem = fmt::format("TPM2_Quote answered 0x{:X}", quoted.code);
    return static_cast<bool>(quoted);
}

bool attestation_agent20::deep_quote(const challenge_reply& challenge, std::string& problem) {
    auto quoted = m_tpm.deep_quote(ak_handle, m_files.ak_password, challenge.nonce,
                                   {t20::alg::sha256, challenge.vtpm_pcr_mask}, challenge.hardware_pcr_mask,
                                   challenge.deep_quote_flags);
    if (!quoted) {
        problem = fmt::format("DeepQuote answered 0x{:X}", quoted.code);
        return false;
    }
    m_evidence.tpm20 = tpm20_evidence{m_files.ak_public, std::move(quoted.value.quote.attest),
                                      std::move(quoted.value.quote.signature)};
    m_evidence.deep_quote = std::move(quoted.value.manager_body);
    m_evidence.deep_quote_locality = 0;
    return true;
}

}  // namespace vtwin::models
