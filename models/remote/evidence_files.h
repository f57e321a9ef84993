// The evidence of a run as files for the public tools that verify it (openssl, evmctl, a text editor).
#pragma once

#include <map>
#include <string>

#include "models/remote/remote_parties.h"

namespace vtwin::models {

/// Relative path to content. Authorities: "manufacturer.pem", "privacy-ca.pem", "saa-modulus.bin",
/// "configuration-N.bin", "platform-aik-N.pem". Per assessment, below "<guest>-N/": "aik.pem",
/// "quote-info.bin" and "quote.sig" (openssl dgst -sha1 -verify), "deep-quote.bin", "deep-quote-info.bin",
/// "deep-quote.sig", "nonce.bin", "pcrs.txt" (sysfs form, sha1), "boot-log.txt",
/// "ascii_runtime_measurements", "binary_runtime_measurements", "evidence.json", "verdict.json",
/// "verdict.txt". With a vTPM 2.0, for tpm2_checkquote -u -m -s -f: "ak.pub.pem", "quote.msg" (TPMS_ATTEST),
/// "quote.sig" (TPMT_SIGNATURE) and "quote.pcrs" (tpm2-tools' serialized form), without "quote-info.bin"; for
/// tpm2_eventlog "event-log.bin"; "pcrs.txt" is of the SHA-256 bank then.
std::map<std::string, bytes> evidence_files(const remote_parties& parties);

}  // namespace vtwin::models
