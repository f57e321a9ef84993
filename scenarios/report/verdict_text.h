// A verifier's verdict for the terminal.
#pragma once

#include <string>

#include "models/attestation/messages.h"

namespace vtwin::scenario::report {

/// "guest1: TRUSTED" or "... UNTRUSTED", without line end.
std::string verdict_title(const models::verdict& outcome);
/// A line per check, made printable.
std::string verdict_reasons(const models::verdict& outcome);

}  // namespace vtwin::scenario::report
