// Evidence of a TPM 1.2 in the forms of tpm-quote-tools.
#pragma once

#include <string>
#include <vector>

#include "models/remote/octets.h"

namespace vtwin::models::remote {

/// A public AIK as tpm_mkaik writes it and tpm_verifyquote reads it: DER of a TSS_BLOB of type public key
/// around the TPM_PUBKEY (TSS 1.2, "Portable data"), integers in their shortest form, as OpenSSL wants them.
bytes tss_public_key(byte_view aik_modulus);

/// What tpm_getpcrhash writes: the TPM_QUOTE_INFO2 that these PCR values would give at locality 0, with no
/// nonce. `pcrs`: all of a TPM; `mask`: those quoted.
bytes pcr_hash_file(std::uint32_t mask, const std::vector<bytes>& pcrs);

/// The same as tpm_getpcrhash' list of values: a line "index=VALUE" per PCR.
std::string pcr_value_file(std::uint32_t mask, const std::vector<bytes>& pcrs);

}  // namespace vtwin::models::remote
