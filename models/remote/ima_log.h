// Linux' IMA measurement list with the templates ima-ng and ima-sig, as securityfs shows it in
// ascii_runtime_measurements. Source: Documentation/security/IMA-templates.rst.
#pragma once

#include <string_view>
#include <vector>

#include "models/remote/crypto.h"

namespace vtwin::models::remote {

struct ima_entry {
    std::uint32_t pcr = 0;
    bytes template_hash;    ///< SHA-1 as the list shows it; all zero marks a violation
    std::string algorithm;  ///< of the file digest: "sha256", "sha1"
    bytes file_digest;
    std::string path;
    std::optional<bytes> signature;  ///< of the file, often empty: with template ima-sig

    std::string_view template_name() const { return signature ? "ima-sig" : "ima-ng"; }
    bool violation() const;
    /// Template data d-ng and n-ng: u32le length, algorithm ":\0" digest; u32le length, path "\0"; with
    /// ima-sig then u32le length, signature.
    bytes template_data() const;
    /// What is extended into a bank: its hash of the template data (SHA-1: the template hash as listed), or
    /// all ones for a violation.
    bytes extended_digest(pcr_hash bank) const;
};

/// One line "10 <40 hex> ima-ng <algorithm>:<hex> <path>", or "... ima-sig ... <path> <signature in hex, or
/// nothing>"; nullopt for anything else.
std::optional<ima_entry> parse_ima_line(std::string_view line);

struct ima_list {
    std::vector<ima_entry> entries;
    std::size_t bad_line = 0;  ///< number of the first line that is no entry, counted from 1; 0: none
};
/// Reads until the end or the first bad line.
ima_list parse_ima_log(std::string_view text);

}  // namespace vtwin::models::remote
