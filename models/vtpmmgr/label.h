// Labels as the manager compares them: hashes of the text, the user field possibly wildcarded.
// Source: stubdom/vtpmmgr/vtpm_manager.c / vtpmmgr.h (label lookup).
#pragma once

#include <string>
#include <string_view>

#include "models/vtpmmgr/crypto.h"

namespace vtwin::models::manager {

/// SHA-1 of the label text, no terminator.
sha1_digest label_hash(std::string_view label);
/// "a_u:b_r:c_t" becomes "*:b_r:c_t"; empty when there is no `:` behind the first character.
std::string wildcarded_label(std::string_view label);

}  // namespace vtwin::models::manager
