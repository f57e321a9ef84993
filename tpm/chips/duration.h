// How long a chip takes for a command: draws from its profile with integer arithmetic only, so that the same
// seed gives the same picosecond on every platform (no libm, no distribution of the standard library).
#pragma once

#include <cstdint>
#include <systemc>

#include "tpm/chip_profile.h"
#include "tpm/ports.h"

namespace vtwin::tpm {

/// Draws the execution time of one ordinal (or command code); default_duration when the profile does not name
/// it.
///   constant  base; draws nothing
///   gaussian  base + scale * z, z the centred sum of 12 uniform 32-bit numbers (48 bytes drawn; |z| <= 6);
///   never < 0 gamma2    base + scale * (e1 + e2), e = -ln(u), u uniform in (0, 1) of 64 bits (16 bytes
///   drawn)
sc_core::sc_time sample(const chip_profile& profile, std::uint32_t ordinal, entropy_if& chance);

/// The same for one model.
sc_core::sc_time sample(const duration_model& model, entropy_if& chance);

/// -ln(x / 2^64) in units of 2^-32, x > 0; exact to a few units.
std::uint64_t minus_ln_q32(std::uint64_t x);

}  // namespace vtwin::tpm
