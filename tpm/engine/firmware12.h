// What platform firmware does with a TPM 1.2 before anyone else may use it.
#pragma once

#include <cstdint>

#include "tpm/ports.h"

namespace vtwin::tpm {

/// Sends, at locality 0 and through execute() only: TPM_Startup(ST_CLEAR), physical presence by command,
/// PhysicalEnable, PhysicalSetDeactivated(FALSE), and then locks physical presence until the next reset, as a
/// PC's firmware does. A deactivation takes effect at reset only, so a chip that came up deactivated is
/// power-cycled once and started again. A fresh libtpms 1.2 is enabled, activated, without EK and without any
/// form of physical presence. Returns the first result that stands in the way, 0 when the TPM is ready. The
/// engine has just been powered.
std::uint32_t make_ready_for_use(engine_if& engine);

}  // namespace vtwin::tpm
