// What this project reads out of libtpms' TPM 1.2 permanent state ("permall").
#pragma once

#include <array>
#include <optional>

#include "tpm/ports.h"

namespace vtwin::tpm {

/// The owner secret; nullopt when no owner is installed or the state is not of the layout that libtpms 0.9
/// writes. Source: libtpms' serialisation of TPM_PERMANENT_DATA, found by experiment and pinned by a test.
std::optional<std::array<std::byte, 20>> owner_auth_of_permanent_state(byte_view state);

}  // namespace vtwin::tpm
