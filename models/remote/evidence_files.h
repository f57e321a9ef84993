// The evidence of a run as files for the public tools that verify it (openssl, evmctl, a text editor).
#pragma once

#include <map>
#include <string>

#include "models/remote/remote_parties.h"

namespace vtwin::models {

/// Relative path to content, as the file "README" among them tells: of the authorities, of what the verifier
/// approves ("policy.json"), and below "<guest>-N/" of each assessment; "verify.sh" has public tools check
/// them.
std::map<std::string, bytes> evidence_files(const remote_parties& parties);

/// Evidence that was read back from such files.
struct checked_evidence {
    std::string folder;   ///< "<guest>-N"
    std::string problem;  ///< why it cannot be judged; empty when it can
    verdict outcome;      ///< made anew; whether the nonce was fresh when it was shown, files cannot tell
    std::vector<std::string> altered;  ///< files that say something else than evidence.json, or are missing
};
/// `files`: as evidence_files() made them, from wherever. `expected`: folders that have to be there. One
/// result per folder, in order of their names; a nonce is good for the first of them that has it.
std::vector<checked_evidence> check_evidence_files(const std::map<std::string, bytes>& files,
                                                   const verifier_config& policy,
                                                   const std::vector<std::string>& expected = {});

}  // namespace vtwin::models
