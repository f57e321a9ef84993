// X.509 version 3 certificates of the toy authorities: reproducible to the byte (counted serial numbers,
// fixed validity, no wall clock).
#pragma once

#include <string>

#include "models/remote/crypto.h"

namespace vtwin::models::remote {

/// What a certified key is for; stands in the subject's organizational unit.
enum class key_role : std::uint8_t {
    authority,             ///< signs certificates
    endorsement,           ///< EK of a chip
    platform_attestation,  ///< group AIK of a manager, backed by a chip's EK
    guest_attestation,     ///< AIK of a vTPM
};
std::string_view to_string(key_role role);

/// What this project reads from a certificate.
struct certificate_view {
    std::string subject;  ///< common name
    key_role role{};
    bytes modulus;  ///< 256 octets, e = 65537
    std::uint64_t serial = 0;
};
/// Nullopt when the octets are no certificate of this form.
std::optional<certificate_view> parse_certificate(byte_view der);

/// Whether the certificate was issued directly by the owner of `root` (self-signed) and is valid, judged by
/// OpenSSL's path validation at a fixed date. On refusal `reason` tells why in OpenSSL's words.
bool verify_chain(byte_view der, byte_view root, std::string& reason);

std::string to_pem(byte_view der);
/// DER of the first certificate in a PEM text; empty when there is none, or when it is encrypted.
bytes from_pem(std::string_view text);
/// The certified public key alone (SubjectPublicKeyInfo), as tools take it that read no certificates.
std::string public_key_pem(byte_view der);

/// An authority with its self-signed root certificate.
class certificate_authority {
  public:
    certificate_authority(std::string name, tpm::entropy_if& entropy);
    const rsa_key& key() const { return m_key; }
    const bytes& root() const { return m_root; }  ///< DER
    /// DER; `subject` has 1 to 64 characters (X.520 ub-common-name).
    bytes issue(const std::string& subject, key_role role, byte_view modulus);

  private:
    bytes sign(const std::string& subject, key_role role, EVP_PKEY* certified, std::uint64_t serial);

    std::string m_name;
    rsa_key m_key;
    std::uint64_t m_next_serial = 1;
    bytes m_root;
};

}  // namespace vtwin::models::remote
