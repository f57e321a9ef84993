// The client's end of the privacy-CA protocol: what TPM_ActivateIdentity (TPM2_ActivateCredential)
// released opens the certificate.
#pragma once

#include <optional>

#include "models/ports.h"

namespace vtwin::models {

/// `symmetric_key` is a TPM_SYMMETRIC_KEY (u32 algorithm, u16 scheme, u16 size, key); `sym_blob` the
/// certificate under AES-128-CBC with the IV in front and PKCS#7 padding. Nullopt when the key is not of that
/// kind or nothing opens.
std::optional<bytes> open_certificate(byte_view symmetric_key, byte_view sym_blob);
/// The same with the key itself, 16 octets: what TPM2_ActivateCredential releases.
std::optional<bytes> open_certificate_with(byte_view key, byte_view sym_blob);

}  // namespace vtwin::models
