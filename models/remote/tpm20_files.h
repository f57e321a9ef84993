// Evidence of a vTPM 2.0 in the files that tpm2-tools read.
#pragma once

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

}  // namespace vtwin::models::remote
