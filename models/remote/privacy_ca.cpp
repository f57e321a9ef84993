#include "models/remote/privacy_ca.h"

#include <fmt/format.h>
#include <algorithm>

#include "models/remote/tpm20_structures.h"

namespace vtwin::models::remote {
namespace {

constexpr std::uint32_t alg_aes128 = 6;
constexpr std::uint16_t es_sym_cbc_pkcs5pad = 0x00FF;
constexpr std::size_t longest_subject = 64;  // X.520 ub-common-name

// Names go into certificates, file names and sentences: printable ASCII only.
bool good_subject(std::string_view name) {
    return !name.empty() && name.size() <= longest_subject &&
           std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7F; });
}

enrol_reply refusal(std::string reason) {
    enrol_reply reply;
    reply.reason = std::move(reason);
    return reply;
}

bool is_endorsement_key(const std::optional<pubkey>& key) {
    return key && key->enc == enc_scheme::rsaesoaep_sha1_mgf1 && key->sig == sig_scheme::none;
}

bool is_identity_key(const std::optional<pubkey>& key) {
    return key && key->enc == enc_scheme::none && key->sig == sig_scheme::rsassapkcs1v15_sha1;
}

}  // namespace

chip_manufacturer::chip_manufacturer(tpm::entropy_if& entropy) : m_authority("chip manufacturer", entropy) {}

bytes chip_manufacturer::certify(byte_view ek_public) {
    const auto key = parse_pubkey(ek_public);
    if (!is_endorsement_key(key))
        return {};
    if (bytes known = find(ek_public); !known.empty())
        return known;
    m_chips.push_back({key->modulus, m_authority.issue(fmt::format("chip {}", m_chips.size() + 1),
                                                       key_role::endorsement, key->modulus)});
    return m_chips.back().certificate;
}

std::vector<bytes> chip_manufacturer::certificates() const {
    std::vector<bytes> all;
    for (const chip& each : m_chips)
        all.push_back(each.certificate);
    return all;
}

bytes chip_manufacturer::find(byte_view ek_public) const {
    const auto key = parse_pubkey(ek_public);
    if (!key)
        return {};
    const auto found = std::ranges::find(m_chips, key->modulus, &chip::modulus);
    return found == m_chips.end() ? bytes{} : found->certificate;
}

privacy_ca::privacy_ca(tpm::entropy_if& entropy, bytes manufacturer_root)
    : m_entropy(entropy),
      m_manufacturer_root(std::move(manufacturer_root)),
      m_authority("privacy CA", entropy) {}

bytes privacy_ca::public_key() const {
    return ek_pubkey(m_authority.key().modulus());
}

enrol_reply privacy_ca::enrol_platform(const enrol_request& request) {
    return enrol(request, key_role::platform_attestation);
}

enrol_reply privacy_ca::enrol_guest(const enrol_request& request) {
    return enrol(request, key_role::guest_attestation);
}

enrol_reply privacy_ca::enrol(const enrol_request& request, key_role role) {
    const auto ek = parse_pubkey(request.ek_public);
    const auto aik = parse_pubkey(request.aik_public);
    if (!good_subject(request.subject))
        return refusal("the subject is not a name of 1 to 64 printable characters");
    if (!is_endorsement_key(ek))
        return refusal("the EK is not a TPM_PUBKEY of an RSA-2048 OAEP key");
    if (!is_identity_key(aik))
        return refusal("the AIK is not a TPM_PUBKEY of an RSA-2048 PKCS#1 v1.5 SHA-1 signing key");
    if (role == key_role::platform_attestation)
        if (std::string reason = refuse_platform(request, *ek); !reason.empty())
            return refusal(std::move(reason));
    if (role == key_role::guest_attestation && request.label.empty())
        return refusal("the identity label is empty, so the binding names no CA");
    if (!binding_holds(request, *aik))
        return refusal("the identity binding is not the AIK's signature over its TPM_IDENTITY_CONTENTS");
    m_issued.push_back({role, request.subject, m_authority.issue(request.subject, role, aik->modulus)});
    return answer(request, *ek, m_issued.back().certificate);
}

enrol_tpm20_reply privacy_ca::enrol_guest_tpm20(const enrol_tpm20_request& request) {
    enrol_tpm20_reply reply;
    const auto ek = parse_public_area(request.ek_public);
    const auto ak = parse_public_area(request.ak_public);
    if (!good_subject(request.subject))
        reply.reason = "the subject is not a name of 1 to 64 printable characters";
    else if (!ek || !ak)
        reply.reason = fmt::format("the {} is not a TPMT_PUBLIC of an RSA-2048 key", ek ? "AK" : "EK");
    else if (const std::string reason = refuse_endorsement_key(*ek); !reason.empty())
        reply.reason = "the EK is none: " + reason;
    else if (const std::string reason = refuse_attestation_key(*ak); !reason.empty())
        reply.reason = "the AK is none: " + reason;
    if (!reply.reason.empty())
        return reply;
    m_issued.push_back({key_role::guest_attestation, request.subject,
                        m_authority.issue(request.subject, key_role::guest_attestation, ak->modulus)});
    bytes session_key(aes_size), iv(aes_size);
    m_entropy.fill(session_key);
    m_entropy.fill(iv);
    auto made = make_credential(*ek, object_name(request.ak_public), session_key, m_entropy);
    reply.accepted = true;
    reply.credential_blob = std::move(made.blob);
    reply.secret = std::move(made.secret);
    reply.sym_blob =
        octet_writer().raw(iv).raw(encrypt_cbc(session_key, iv, m_issued.back().certificate)).take();
    return reply;
}

// Why a platform is refused; empty when its EK is a certified one. The administration tool of the manager
// names no CA, so a platform's label stays empty.
std::string privacy_ca::refuse_platform(const enrol_request& request, const pubkey& ek) const {
    if (!request.label.empty())
        return "a platform's identity label has to be empty";
    const auto certificate = parse_certificate(request.ek_certificate);
    std::string reason;
    if (!certificate || certificate->role != key_role::endorsement)
        return "there is no certificate for the EK";
    if (!verify_chain(request.ek_certificate, m_manufacturer_root, reason))
        return fmt::format("the EK certificate does not lead to the manufacturer: {}", reason);
    if (certificate->modulus != ek.modulus)
        return "the EK certificate is for another key";
    return {};
}

bool privacy_ca::binding_holds(const enrol_request& request, const pubkey& aik) const {
    const bytes chosen_id_hash = request.label.empty()
                                     ? zeros(digest_size)
                                     : sha1(octet_writer().text(request.label).raw(public_key()).take());
    return verify_sha1(aik.modulus, identity_contents(chosen_id_hash, request.aik_public),
                       request.identity_binding);
}

// TPM_ASYM_CA_CONTENTS (session key and SHA-1 of the AIK) for the EK's holder, certificate under that key.
enrol_reply privacy_ca::answer(const enrol_request& request, const pubkey& ek, byte_view certificate) {
    bytes session_key(aes_size), iv(aes_size);
    m_entropy.fill(session_key);
    m_entropy.fill(iv);
    const bytes contents = octet_writer()
                               .u32(alg_aes128)
                               .u16(es_sym_cbc_pkcs5pad)
                               .u16(aes_size)
                               .raw(session_key)
                               .raw(sha1(request.aik_public))
                               .take();
    enrol_reply reply;
    reply.accepted = true;
    reply.asym_blob = encrypt_oaep(ek.modulus, contents, m_entropy);
    reply.sym_blob = octet_writer().raw(iv).raw(encrypt_cbc(session_key, iv, certificate)).take();
    return reply;
}

}  // namespace vtwin::models::remote
