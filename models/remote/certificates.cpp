#include "models/remote/certificates.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <systemc>

#include "tpm/engine/rsa_memo.h"

namespace vtwin::models::remote {
namespace {

constexpr const char* not_before = "20240101000000Z";
constexpr const char* not_after = "20491231235959Z";
constexpr time_t judged_at = 1767225600;  // 2026-01-01 00:00 UTC
constexpr const char* organization = "vtpm-twin";

using x509 = std::unique_ptr<X509, freed_by<X509_free>>;
using x509_name = std::unique_ptr<X509_NAME, freed_by<X509_NAME_free>>;
using x509_extension = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
using x509_store = std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>>;
using x509_store_context = std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>>;
using bio = std::unique_ptr<BIO, freed_by<BIO_free>>;

byte_view octets(std::string_view text) {
    return std::as_bytes(std::span(text));
}

x509 decode(byte_view der) {
    const auto* cursor = reinterpret_cast<const unsigned char*>(der.data());
    x509 certificate(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
    const bool all_read = cursor == reinterpret_cast<const unsigned char*>(der.data() + der.size());
    return certificate && all_read ? std::move(certificate) : nullptr;
}

bytes encode(const x509& certificate) {
    bytes der(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)));
    auto* cursor = reinterpret_cast<unsigned char*>(der.data());
    i2d_X509(certificate.get(), &cursor);
    return der;
}

std::string content_of(const bio& memory) {
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
}

void add_entry(X509_NAME* name, int nid, std::string_view text) {
    const int added = X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                                 reinterpret_cast<const unsigned char*>(text.data()),
                                                 static_cast<int>(text.size()), -1, 0);
    sc_assert(added == 1);
}

x509_name make_name(std::string_view common_name, key_role role) {
    x509_name name(X509_NAME_new());
    add_entry(name.get(), NID_organizationName, organization);
    add_entry(name.get(), NID_organizationalUnitName, to_string(role));
    add_entry(name.get(), NID_commonName, common_name);
    return name;
}

std::optional<std::string> only_entry(const X509_NAME* name, int nid) {
    const int at = X509_NAME_get_index_by_NID(name, nid, -1);
    if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0)
        return std::nullopt;
    const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
    return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text)));
}

std::optional<key_role> parse_role(std::string_view text) {
    for (const key_role role : {key_role::authority, key_role::endorsement, key_role::platform_attestation,
                                key_role::guest_attestation})
        if (text == to_string(role))
            return role;
    return std::nullopt;
}

const char* key_usage(key_role role) {
    switch (role) {
        case key_role::authority:
            return "critical,keyCertSign";
        case key_role::endorsement:
            return "critical,keyEncipherment";
        default:
            return "critical,digitalSignature";
    }
}

void add_extension(X509* certificate, X509V3_CTX& context, int nid, const char* value) {
    const x509_extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    sc_assert(extension != nullptr);
    X509_add_ext(certificate, extension.get(), -1);
}

}  // namespace

std::string_view to_string(key_role role) {
    switch (role) {
        case key_role::authority:
            return "certification authority";
        case key_role::endorsement:
            return "endorsement key";
        case key_role::platform_attestation:
            return "platform attestation identity key";
        case key_role::guest_attestation:
            return "guest attestation identity key";
    }
    return {};
}

std::optional<certificate_view> parse_certificate(byte_view der) {
    const x509 certificate = decode(der);
    if (!certificate)
        return std::nullopt;
    const X509_NAME* name = X509_get_subject_name(certificate.get());
    const auto subject = only_entry(name, NID_commonName);
    const auto unit = only_entry(name, NID_organizationalUnitName);
    const auto role = unit ? parse_role(*unit) : std::nullopt;
    certificate_view view;
    view.modulus = modulus_of(X509_get0_pubkey(certificate.get()));
    if (!subject || !role || view.modulus.empty() ||
        ASN1_INTEGER_get_uint64(&view.serial, X509_get0_serialNumber(certificate.get())) != 1)
        return std::nullopt;
    view.subject = *subject;
    view.role = *role;
    return view;
}

bool verify_chain(byte_view der, byte_view root, std::string& reason) {
    const x509 certificate = decode(der), anchor = decode(root);
    if (!certificate || !anchor) {
        reason = "not an X.509 certificate";
        return false;
    }
    const x509_store store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), anchor.get());
    const x509_store_context context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
    X509_STORE_CTX_set_time(context.get(), 0, judged_at);
    if (X509_verify_cert(context.get()) == 1)
        return true;
    reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    return false;
}

std::string to_pem(byte_view der) {
    const x509 certificate = decode(der);
    if (!certificate)
        return {};
    const bio memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(memory.get(), certificate.get());
    return content_of(memory);
}

bytes from_pem(std::string_view text) {
    const bio memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    // Without a callback OpenSSL would ask on the terminal for the password of an encrypted one.
    const auto no_password = [](char*, int, int, void*) { return -1; };
    const x509 certificate(PEM_read_bio_X509(memory.get(), nullptr, no_password, nullptr));
    const int size = certificate ? i2d_X509(certificate.get(), nullptr) : 0;
    bytes der(size > 0 ? static_cast<std::size_t>(size) : 0);
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    if (!der.empty())
        i2d_X509(certificate.get(), &out);
    return der;
}

std::string public_key_pem(byte_view der) {
    const x509 certificate = decode(der);
    if (!certificate)
        return {};
    const bio memory(BIO_new(BIO_s_mem()));
    PEM_write_bio_PUBKEY(memory.get(), X509_get0_pubkey(certificate.get()));
    return content_of(memory);
}

certificate_authority::certificate_authority(std::string name, tpm::entropy_if& entropy)
    : m_name(std::move(name)), m_key(entropy) {
    // sign() asks whether there is a root yet.
    m_root = tpm::rsa_memo::recall("root certificate", {octets(m_name), m_key.modulus()}, [this] {
        return sign(m_name, key_role::authority, m_key.get(), m_next_serial);
    });
    ++m_next_serial;
}

bytes certificate_authority::issue(const std::string& subject, key_role role, byte_view modulus) {
    const evp_key certified = public_key(modulus);
    sc_assert(certified != nullptr);
    // A pure function of these: the root follows from the key, which is made from this name's entropy.
    const auto serial = std::to_string(m_next_serial);
    auto certificate = tpm::rsa_memo::recall(
        "certificate", {m_root, octets(subject), octets(to_string(role)), modulus, octets(serial)},
        [&] { return sign(subject, role, certified.get(), m_next_serial); });
    ++m_next_serial;
    return certificate;
}

bytes certificate_authority::sign(const std::string& subject, key_role role, EVP_PKEY* certified,
                                  std::uint64_t serial) {
    const x509 certificate(X509_new());
    const x509_name issuer_name = make_name(m_name, key_role::authority);
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial);
    ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate.get()), not_before);
    ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate.get()), not_after);
    X509_set_issuer_name(certificate.get(), issuer_name.get());
    X509_set_subject_name(certificate.get(), make_name(subject, role).get());
    X509_set_pubkey(certificate.get(), certified);

    const x509 issuer = m_root.empty() ? nullptr : decode(m_root);
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer.get() : certificate.get(), certificate.get(), nullptr, nullptr,
                   0);
    const bool authority = role == key_role::authority;
    add_extension(certificate.get(), context, NID_basic_constraints,
                  authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(certificate.get(), context, NID_key_usage, key_usage(role));
    add_extension(certificate.get(), context, NID_subject_key_identifier, "hash");
    add_extension(certificate.get(), context, NID_authority_key_identifier, "keyid:always");
    const int size = X509_sign(certificate.get(), m_key.get(), EVP_sha256());
    sc_assert(size > 0);
    return encode(certificate);
}

}  // namespace vtwin::models::remote
