#include "models/dom0/administrator.h"

#include <fmt/format.h>

#include <array>

#include "models/attestation/activation.h"
#include "models/attestation/messages.h"
#include "tpm/codec/wire.h"

namespace vtwin::models {
namespace {

constexpr std::uint16_t vtpm_tag_req = 0x01C1, vtpm_tag_req2 = 0x01C2;
constexpr std::size_t header_size = 10, modulus_size = 256, digest_size = 20, uuid_size = 16;
constexpr std::uint32_t vendor = 0x02000000;
constexpr std::uint32_t ord_group_new = vendor | 0x102, ord_group_activate = vendor | 0x104,
                        ord_group_update = vendor | 0x106, ord_vtpm_new = vendor | 0x204, ord_pcr_read = 21;
constexpr unsigned pcr_count = 24;
constexpr std::uint32_t transport_failed = 0xFFFFFFFF;

/// TPM_PUBKEY of an identity key: RSA 2048, no encryption scheme, PKCS#1 v1.5 SHA-1 signatures, exponent
/// 65537.
bytes aik_public(byte_view modulus) {
    tpm::wire_writer out;
    out.u32(1).u16(1).u16(2).u32(12).u32(2048).u32(2).u32(0).u32(static_cast<std::uint32_t>(modulus.size()));
    return out.raw(modulus).take();
}

}  // namespace

administrator::administrator(provisioning_plan plan, tpm_transport_if& device, remote_service_if& network,
                             stubdom_services_if& services)
    : m_plan(std::move(plan)), m_device(device), m_network(network), m_services(services) {}

administrator::reply administrator::exchange(std::uint16_t tag, std::uint32_t ordinal, byte_view body) {
    tpm::wire_writer request;
    request.u16(tag).u32(static_cast<std::uint32_t>(header_size + body.size())).u32(ordinal).raw(body);
    const auto result = m_device.transmit(request.data());
    if (!result || result.response.size() < header_size)
        return {transport_failed, {}};
    tpm::wire_reader in(result.response);
    in.u16();
    in.u32();
    const std::uint32_t status = in.u32();
    return {status, in.raw(in.remaining())};
}

administrator::reply administrator::manage(std::uint32_t ordinal, byte_view body) {
    return exchange(vtpm_tag_req2, ordinal, body);
}

administrator::reply administrator::hardware(std::uint32_t ordinal, byte_view body) {
    return exchange(vtpm_tag_req, ordinal, body);
}

bool administrator::provision(std::string& problem) {
    return create_group(problem) && certify_group(problem) && configure_group(problem) &&
           create_records(problem);
}

bool administrator::create_group(std::string& problem) {
    const auto key = from_json<saa_key_reply>(m_network.call("saa/public-key", to_json(saa_key_request{})));
    if (!key || key->modulus.size() != modulus_size) {
        problem = "the configuration authority gave no key";
        return false;
    }
    tpm::wire_writer body;
    const std::array<std::byte, digest_size> label_digest{};
    body.raw(label_digest).raw(key->modulus);
    const auto answer = manage(ord_group_new, body.data());
    tpm::wire_reader in(answer.body);
    m_group_uuid = in.raw(uuid_size);
    m_aik_modulus = in.raw(modulus_size);
    m_identity_binding = in.raw(modulus_size);
    if (answer.status != 0 || !in.ok()) {
        problem = fmt::format("GROUP_NEW refused with code {}", answer.status);
        return false;
    }
    m_services.log(stubdom_services_if::level::info, "group 0 claimed, group AIK made by the hardware TPM");
    return true;
}

bool administrator::certify_group(std::string& problem) {
    enrol_request request;
    request.subject = m_plan.platform;
    request.ek_public = m_plan.ek_public;
    request.ek_certificate = m_plan.ek_certificate;
    request.aik_public = aik_public(m_aik_modulus);
    request.identity_binding = m_identity_binding;
    const auto reply = from_json<enrol_reply>(m_network.call("ca/enrol-platform", to_json(request)));
    if (!reply || !reply->accepted) {
        problem = "the privacy CA refused the group AIK: " + (reply ? reply->reason : "no answer");
        return false;
    }
    tpm::wire_writer body;
    body.u32(0).sized32(reply->asym_blob);
    const auto answer = manage(ord_group_activate, body.data());
    if (answer.status != 0) {
        problem = fmt::format("GROUP_ACTIVATE refused with code {}", answer.status);
        return false;
    }
    const auto certificate = open_certificate(answer.body, reply->sym_blob);
    if (!certificate) {
        problem = "the group AIK's certificate does not open with the activated key";
        return false;
    }
    m_aik_certificate = *certificate;
    m_services.log(stubdom_services_if::level::info, "group AIK certified by the privacy CA");
    return true;
}

bool administrator::configure_group(std::string& problem) {
    saa_config_request request;
    request.vtpm_labels = m_plan.labels;
    for (std::uint32_t pcr = 0; pcr < pcr_count; ++pcr) {
        tpm::wire_writer index;
        index.u32(pcr);
        const auto value = hardware(ord_pcr_read, index.data());
        if (value.status != 0 || value.body.size() != digest_size) {
            problem = fmt::format("hardware PCR {} cannot be read: code {}", pcr, value.status);
            return false;
        }
        request.hardware_pcrs.push_back(value.body);
    }
    const auto reply = from_json<saa_config_reply>(m_network.call("saa/configuration", to_json(request)));
    if (!reply || !reply->accepted) {
        problem =
            "the configuration authority refused this platform: " + (reply ? reply->reason : "no answer");
        return false;
    }
    tpm::wire_writer body;
    body.u32(0).raw(reply->signature).raw(reply->cfg_list).raw(reply->selections);
    const auto answer = manage(ord_group_update, body.data());
    if (answer.status != 0) {
        problem = fmt::format("GROUP_UPDATE refused with code {}", answer.status);
        return false;
    }
    m_services.log(
        stubdom_services_if::level::info,
        fmt::format("group 0 sealed to this platform, {} vTPM labels accepted", m_plan.labels.size()));
    return true;
}

bool administrator::create_records(std::string& problem) {
    for (const auto& uuid : m_plan.vtpms) {
        tpm::wire_writer body;
        body.u32(0).raw(uuid.octets);
        const auto answer = manage(ord_vtpm_new, body.data());
        if (answer.status != 0) {
            problem = fmt::format("VTPM_NEW {} refused with code {}", to_string(uuid), answer.status);
            return false;
        }
        m_services.log(stubdom_services_if::level::info, "record created for vTPM " + to_string(uuid));
    }
    return true;
}

}  // namespace vtwin::models
