// Evidence in the binary forms that tpm2-tools, keylime and Linux' own readers know.
#pragma once

#include <string>
#include <vector>

#include "models/attestation/messages.h"

namespace vtwin::models::remote {

/// What tpm2_quote -F serialized writes: structures of tpm2-tss as they lie in memory on x86, one
/// TPML_PCR_SELECTION and TPML_DIGESTs of at most eight values. `pcrs`: the SHA-256 bank, `mask`: those
/// quoted. `pcrs` may be a guest's claim: what stands behind the 24th value or a value's 64th octet is left
/// out.
bytes serialized_pcrs(std::uint32_t mask, const std::vector<bytes>& pcrs);

/// The boot log for tpm2_eventlog: TCG PC Client Platform Firmware Profile, crypto-agile form with SHA-1 and
/// SHA-256, one EV_COMPACT_HASH (what boot loaders log) per event, whose data is its description. Empty when
/// an event lacks a digest.
bytes crypto_agile_log(const std::vector<measurement>& log);
/// The same of a TPM 1.2: TCG_PCR_EVENTs one after the other, as binary_bios_measurements has them (TCG PC
/// Client Implementation for BIOS 1.21, 11.3.1). Empty when an event lacks its digest.
bytes sha1_log(const std::vector<measurement>& log);

/// A keylime agent's answer to a quote request: {"code":200,"status":"Success","results":{...}} with "quote"
/// ("r", TPMS_ATTEST, TPMT_SIGNATURE and serialized PCRs in base64 with colons between), the algorithms, the
/// AK, and both measurement lists. `boot_log`: crypto-agile.
std::string keylime_quote(const evidence& shown, byte_view pcrs, byte_view boot_log);

}  // namespace vtwin::models::remote
