// What is read from a machine when its run is over.
#pragma once

#include <string>

#include "tpm/engine/libtpms_engine.h"

namespace vtwin::scenario {

/// Digest over the 24 PCRs of a TPM 1.2; "off" when it has no power or does not answer.
std::string pcrs_of(tpm::libtpms_engine& engine);

}  // namespace vtwin::scenario
