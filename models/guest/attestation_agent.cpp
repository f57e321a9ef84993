#include "models/guest/attestation_agent.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/attestation/activation.h"
#include "tpm/codec/tpm12_crypto.h"

namespace vtwin::models {

namespace tpm12 = tpm::tpm12;

namespace {

constexpr std::string_view identity_label = "vtpm-twin guest identity";

tpm12::digest to_digest(const bytes& value) {
    tpm12::digest digest{};
    std::copy_n(value.begin(), std::min(value.size(), digest.size()), digest.begin());
    return digest;
}

template <std::size_t Size>
bytes to_bytes(const std::array<std::byte, Size>& value) {
    return {value.begin(), value.end()};
}

}  // namespace

attestation_agent::attestation_agent(std::string guest, tpm_transport_if& device, remote_service_if& network,
                                     tpm::entropy_if& entropy, stubdom_services_if& services,
                                     agent_files& files, quote_command quote)
    : m_guest(std::move(guest)),
      m_network(network),
      m_entropy(entropy),
      m_services(services),
      m_tpm([&device](byte_view command) { return device.transmit(command).response; }, entropy),
      m_files(files),
      m_quote(quote) {}

bool attestation_agent::enrol(std::string& problem) {
    if (!m_files.enrolled)
        m_files.enrolled = take_ownership(problem) && make_identity(problem);
    return m_files.enrolled && load_identity(problem);
}

bool attestation_agent::take_ownership(std::string& problem) {
    const auto ek = m_tpm.read_pubek();
    if (!ek) {
        problem = fmt::format("TPM_ReadPubek answered {}", ek.code);
        return false;
    }
    m_files.ek = ek.value;
    m_entropy.fill(m_files.owner_secret);
    m_entropy.fill(m_files.srk_secret);
    auto session = m_tpm.oiap();
    const auto srk =
        m_tpm.take_ownership(m_files.ek, m_files.owner_secret, m_files.srk_secret, session.value);
    if (!srk) {
        problem = fmt::format("TPM_TakeOwnership answered {}", srk.code);
        return false;
    }
    m_tpm.terminate(session.value);
    m_services.log(stubdom_services_if::level::info, "owns its vTPM");
    return true;
}

bool attestation_agent::make_identity(std::string& problem) {
    const auto ca = from_json<ca_key_reply>(m_network.call("ca/public-key", to_json(ca_key_request{})));
    if (!ca) {
        problem = "the privacy CA gave no public key";
        return false;
    }
    const auto label = std::as_bytes(std::span(identity_label));
    m_entropy.fill(m_files.aik_secret);
    auto srk = m_tpm.oiap();
    auto owner = m_tpm.osap(tpm12::entity::owner, tpm12::handle::owner, m_files.owner_secret);
    const auto made = m_tpm.make_identity(m_files.aik_secret, tpm12::sha1({label, ca->public_key}),
                                          {srk.value, m_files.srk_secret, false},
                                          {owner.value, m_files.owner_secret, false});
    if (!made) {
        problem = fmt::format("TPM_MakeIdentity answered {}", made.code);
        return false;
    }
    m_files.aik = made.value.key;

    enrol_request request;
    request.subject = m_guest;
    request.label = identity_label;
    request.ek_public = m_files.ek.encode();
    request.aik_public = m_files.aik.public_part().encode();
    request.identity_binding = made.value.binding;
    const auto reply = from_json<enrol_reply>(m_network.call("ca/enrol-guest", to_json(request)));
    if (!reply || !reply->accepted) {
        problem = "the privacy CA refused the AIK: " + (reply ? reply->reason : "no answer");
        return false;
    }
    return load_identity(problem) && activate_identity(*reply, problem);
}

bool attestation_agent::load_identity(std::string& problem) {
    if (m_aik_handle != 0)
        return true;
    auto srk = m_tpm.oiap();
    const auto loaded =
        m_tpm.load_key2(tpm12::handle::srk, m_files.aik, {srk.value, m_files.srk_secret, false});
    if (!loaded) {
        problem = fmt::format("TPM_LoadKey2 answered {}", loaded.code);
        return false;
    }
    m_aik_handle = loaded.value;
    return true;
}

bool attestation_agent::activate_identity(const enrol_reply& reply, std::string& problem) {
    auto identity = m_tpm.oiap();
    auto owner = m_tpm.oiap();
    const auto key =
        m_tpm.activate_identity(m_aik_handle, reply.asym_blob, {identity.value, m_files.aik_secret, false},
                                {owner.value, m_files.owner_secret, false});
    if (!key) {
        problem = fmt::format("TPM_ActivateIdentity answered {}", key.code);
        return false;
    }
    const auto certificate = open_certificate(key.value.encode(), reply.sym_blob);
    if (!certificate) {
        problem = "the AIK certificate does not open with the activated key";
        return false;
    }
    m_files.aik_certificate = *certificate;
    m_services.log(stubdom_services_if::level::info, "AIK certified by the privacy CA");
    return true;
}

std::optional<verdict> attestation_agent::attest(evidence claims, std::string& problem) {
    const auto challenge =
        from_json<challenge_reply>(m_network.call("verifier/challenge", to_json(challenge_request{m_guest})));
    if (!challenge || challenge->nonce.size() != tpm12::digest_size) {
        problem = "the verifier gave no challenge";
        return std::nullopt;
    }
    m_evidence = std::move(claims);
    m_evidence.guest = m_guest;
    m_evidence.nonce = challenge->nonce;
    m_evidence.aik_certificate = m_files.aik_certificate;
    if (!quote(*challenge, problem) || !deep_quote(*challenge, problem) || !read_pcrs(problem))
        return std::nullopt;
    auto result = from_json<verdict>(m_network.call("verifier/evidence", to_json(m_evidence)));
    if (!result)
        problem = "the verifier gave no verdict";
    return result;
}

bool attestation_agent::quote(const challenge_reply& challenge, std::string& problem) {
    if (m_quote == quote_command::quote2)
        return quote2(challenge, problem);
    auto session = m_tpm.oiap();
    const auto quoted = m_tpm.quote(m_aik_handle, to_digest(challenge.nonce),
                                    tpm12::pcr_selection::of(challenge.vtpm_pcr_mask),
                                    {session.value, m_files.aik_secret, false});
    if (!quoted) {
        problem = fmt::format("TPM_Quote answered {}", quoted.code);
        return false;
    }
    m_evidence.quote_composite = quoted.value.composite;
    m_evidence.quote_signature = quoted.value.signature;
    return true;
}

bool attestation_agent::quote2(const challenge_reply& challenge, std::string& problem) {
    auto session = m_tpm.oiap();
    const auto quoted = m_tpm.quote2(m_aik_handle, to_digest(challenge.nonce),
                                     tpm12::pcr_selection::of(challenge.vtpm_pcr_mask),
                                     {session.value, m_files.aik_secret, false});
    if (!quoted) {
        problem = fmt::format("TPM_Quote2 answered {}", quoted.code);
        return false;
    }
    m_evidence.quote2_pcr_info = quoted.value.pcr_info;
    m_evidence.quote_signature = quoted.value.signature;
    return true;
}

bool attestation_agent::deep_quote(const challenge_reply& challenge, std::string& problem) {
    const auto aik = tpm12::sha1({m_files.aik.public_part().encode()});
    auto session = m_tpm.oiap();
    const auto quoted = m_tpm.deep_quote(
        tpm12::sha1({challenge.nonce, aik}), tpm12::pcr_selection::of(challenge.vtpm_pcr_mask),
        tpm12::pcr_selection::of(challenge.hardware_pcr_mask), challenge.deep_quote_flags,
        {session.value, m_files.owner_secret, false});
    if (!quoted) {
        problem = fmt::format("DeepQuote answered {}", quoted.code);
        return false;
    }
    m_evidence.deep_quote = quoted.value;
    m_evidence.deep_quote_locality = 0;
    return true;
}

bool attestation_agent::read_pcrs(std::string& problem) {
    for (std::uint32_t pcr = 0; pcr < tpm12::pcr_count; ++pcr) {
        const auto value = m_tpm.pcr_read(pcr);
        if (!value) {
            problem = fmt::format("TPM_PCRRead of PCR {} answered {}", pcr, value.code);
            return false;
        }
        m_evidence.vtpm_pcrs.push_back(to_bytes(value.value));
    }
    return true;
}

}  // namespace vtwin::models
