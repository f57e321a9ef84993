// The parties that vouch for keys: the chip's manufacturer, and the privacy CA that certifies identity keys.
#pragma once

#include <vector>

#include "models/attestation/messages.h"
#include "models/remote/certificates.h"
#include "models/remote/tpm12_structures.h"

namespace vtwin::models::remote {

/// Makes chips: keeps the certificate of every EK that it has certified.
class chip_manufacturer {
  public:
    explicit chip_manufacturer(tpm::entropy_if& entropy);
    /// Certifies the EK of a chip as it leaves the factory. Empty when it is no TPM_PUBKEY of an EK.
    bytes certify(byte_view ek_public);
    /// The certificate of a chip that it made; empty for a foreign one.
    bytes find(byte_view ek_public) const;
    const bytes& root() const { return m_authority.root(); }
    /// DER, in the order of making.
    std::vector<bytes> certificates() const;

  private:
    struct chip {
        bytes modulus, certificate;
    };
    certificate_authority m_authority;
    std::vector<chip> m_chips;
};

/// Certifies attestation identity keys by the TPM 1.2 privacy-CA protocol (TPM Main Part 1, "Attestation
/// identity keys"): whoever holds the EK can open the answer, if the AIK in it lives in the same TPM.
class privacy_ca {
  public:
    /// `manufacturer_root`: DER of the authority whose EK certificates it accepts.
    privacy_ca(tpm::entropy_if& entropy, bytes manufacturer_root);

    bytes public_key() const;                                 ///< TPM_PUBKEY, input of chosenIDHash
    const bytes& root() const { return m_authority.root(); }  ///< DER

    /// The group AIK of a manager: the EK has to be certified by the manufacturer.
    enrol_reply enrol_platform(const enrol_request& request);
    /// The AIK of a vTPM. Nobody vouches for a vTPM's EK: what makes the certified AIK trustworthy is the
    /// deep quote that names it, not this certificate.
    enrol_reply enrol_guest(const enrol_request& request);

    /// The AK of a vTPM 2.0. The certificate opens for the TPM that holds this EK and an AK with this Name;
    /// what the AK may do is in its attributes, and the Name covers them.
    enrol_tpm20_reply enrol_guest_tpm20(const enrol_tpm20_request& request);

    struct issued {
        key_role role;
        std::string subject;
        bytes certificate;
    };
    const std::vector<issued>& certificates() const { return m_issued; }

  private:
    enrol_reply enrol(const enrol_request& request, key_role role);
    std::string refuse_platform(const enrol_request& request, const pubkey& ek) const;
    bool binding_holds(const enrol_request& request, const pubkey& aik) const;
    enrol_reply answer(const enrol_request& request, const pubkey& ek, byte_view certificate);

    tpm::entropy_if& m_entropy;
    bytes m_manufacturer_root;
    certificate_authority m_authority;
    std::vector<issued> m_issued;
};

}  // namespace vtwin::models::remote
