// The Integrity Measurement Architecture of the Linux guest: template ima-ng, list and PCR 10.
// Source: Linux Documentation/security/IMA-templates.rst, security/integrity/ima.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "models/ports.h"

namespace vtwin::models {

/// One entry of the list with template ima-ng: d-ng (algorithm and digest) and n-ng (path).
struct ima_entry {
    std::string algorithm;  ///< "sha1", "sha256"
    bytes file_digest;
    std::string path;
    std::array<std::byte, 20> template_hash{};  ///< SHA-1 of the template data; what PCR 10 is extended with
    bytes template_sha256;                      ///< the same for a SHA-256 bank
};

/// Builds an entry: template data = u32 LE length, "algorithm:" NUL digest, u32 LE length, path NUL.
ima_entry make_ima_entry(std::string_view algorithm, byte_view file_digest, std::string_view path);

/// boot_aggregate: SHA-1 over PCR 0 to 7, the first entry of every list on a TPM 1.2.
ima_entry make_boot_aggregate(const std::vector<bytes>& pcrs);

/// On a TPM 2.0: SHA-256 over PCR 0 to 9 of the SHA-256 bank (since Linux 5.8).
ima_entry make_boot_aggregate20(const std::vector<bytes>& pcrs);

/// ascii_runtime_measurements: "10 <template hash> ima-ng <algorithm>:<digest> <path>" per line.
std::string ascii_runtime_measurements(const std::vector<ima_entry>& entries);

}  // namespace vtwin::models
