// What a campaign's results depend on, as digests: a store says with which it was made, and only the same may
// go on with it.
#pragma once

#include <string>

#include "scenarios/campaign/campaign_file.h"

namespace vtwin::scenario {

/// Each 64 hexadecimal digits (SHA-256).
struct campaign_identity {
    std::string campaign;  ///< text of the campaign file
    std::string scenario;  ///< settings of all variants, and the content of every file that they name
    std::string program;   ///< versions of vtwin and its libraries, and the program's own bytes
    bool operator==(const campaign_identity&) const = default;
    /// Digest over the three.
    std::string plan() const;
};
campaign_identity identity_of(const campaign& what);

/// Why results of `other` cannot be put beside ours: "the campaign file has changed since"; "" when they can.
std::string difference(const campaign_identity& ours, const campaign_identity& other);

/// SHA-256 as 64 hexadecimal digits.
std::string digest_of(std::string_view text);

}  // namespace vtwin::scenario
