// What a verifier approves, as a file: enough to judge evidence again where the approved files themselves are
// not, or no longer what they were.
#pragma once

#include <string>
#include <vector>

#include "models/platform/config.h"

namespace vtwin::models {

/// The content of "policy.json".
struct policy_file {
    verifier_config policy;
    std::vector<std::string> judged;  ///< folders of evidence that the verifier judged: "<guest>-N"
};

/// Every setting, digests and logs in hexadecimal; a line per value.
std::string to_json(const policy_file& file);
/// Nothing unless the text is one such file.
std::optional<policy_file> parse_policy_file(const std::string& text);

}  // namespace vtwin::models
