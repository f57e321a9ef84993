// Measured boot of a PV guest: pv-grub extends the vTPM before it starts the kernel.
// Source: stubdom/grub (legacy pv-grub), xen-vtpm documentation.
#pragma once

#include <string>
#include <vector>

#include "models/attestation/messages.h"
#include "models/costs.h"
#include "models/platform/config.h"
#include "models/ports.h"

namespace vtwin::models {

/// What pv-grub would measure, in order: kernel file into PCR 4; command line (no NUL) and initrd into PCR 5.
/// With a vTPM 2.0 (guest.vtpm_version) every event has a SHA-256 digest as well.
std::vector<measurement> boot_measurements(const guest_config& guest);

/// Extends them, each by TPM_Extend at locality 0, or by one TPM2_PCR_Extend of the active banks. Returns the
/// log; false in `complete` when an extend failed: pv-grub then stops the boot.
std::vector<measurement> measure_boot(const guest_config& guest, tpm_transport_if& device, bool& complete);

}  // namespace vtwin::models
