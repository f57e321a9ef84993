// The evidence of a run as files for the public tools that verify it (openssl, evmctl, a text editor).
#pragma once

#include <map>
#include <string>

#include "models/remote/remote_parties.h"

namespace vtwin::models {

/// Relative path to content. Authorities: "manufacturer.pem", "chip-ek-N.pem", "privacy-ca.pem",
/// "saa-modulus.bin", "configuration-N.bin", "platform-aik-N.pem"; "verify.sh", which has public tools check
/// what they can. Per assessment, below "<guest>-N/": "aik.pem", "quote-info.bin" and "quote.sig"
/// (openssl dgst -sha1 -verify), "aik.pub" (tpm_verifyquote aik.pub quote-info.bin nonce.bin quote.sig),
/// "deep-quote.bin", "deep-quote-info.bin", "deep-quote.sig", "nonce.bin", "pcrs.txt" (sysfs form, sha1),
/// "boot-log.txt", "binary_bios_measurements", "ascii_runtime_measurements", "binary_runtime_measurements",
/// "evidence.json", "verdict.json", "verdict.txt". With TPM_Quote2 "quote-info.bin" is a TPM_QUOTE_INFO2, and
/// "quote.hash" and "quote.values" are what tpm_getpcrhash writes, from the claimed PCR values. With a
/// vTPM 2.0, for tpm2_checkquote -u -m -s -f: "ak.pub.pem" or "ak.tss" (TPM2B_PUBLIC), "quote.msg"
/// (TPMS_ATTEST), "quote.sig" (TPMT_SIGNATURE) and "quote.pcrs" (tpm2-tools' serialized form), without
/// "quote-info.bin"; "keylime-quote.json"; "pcrs.txt" is of the SHA-256 bank then.
///
/// "deep-quote.bin" is the body of the manager's answer (the quote request of Xen's vtpmmgr): 256 octets
/// signature of the platform's AIK over "deep-quote-info.bin" (TPM_QUOTE_INFO, whose externalData is the
/// SHA-1 over what follows), then, each where its flag was asked for, the digests of the vTPM's uuid and
/// label list, the group information, the authority's key; then the values of the quoted hardware PCRs.
std::map<std::string, bytes> evidence_files(const remote_parties& parties);

/// Evidence that was read back from such files.
struct checked_evidence {
    std::string folder;   ///< "<guest>-N"
    std::string problem;  ///< why it cannot be judged; empty when it can
    verdict outcome;      ///< made anew; whether the nonce was fresh when it was shown, files cannot tell
    std::vector<std::string> altered;  ///< files that say something else than evidence.json, or are missing
};
/// `files`: as evidence_files() made them, from wherever. One result per folder, in order of their names.
std::vector<checked_evidence> check_evidence_files(const std::map<std::string, bytes>& files,
                                                   const verifier_config& policy);

}  // namespace vtwin::models
