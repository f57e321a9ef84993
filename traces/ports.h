// What the recorder needs beyond the observation ports of hypervisor/ and tpm/: who is who, and the two ends
// of a driver's call. The number of a bus master is the domain's id.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <systemc>

#include "hypervisor/types.h"

namespace vtwin::trace {

/// The part that a domain plays in the vTPM's path.
enum class domain_role : std::uint8_t { other, vtpm, manager };

struct domain_identity {
    std::string name;
    domain_role role = domain_role::other;
};
/// Asked once per domain id, when the id first appears in an observation.
using identify_domain = std::function<domain_identity(xen::domid_t)>;

/// The domain that made a bus cycle or let a chip execute a command; nothing: the platform's firmware.
inline std::optional<xen::domid_t> domain_of(const std::optional<std::uint32_t>& master) {
    return master ? std::optional(static_cast<xen::domid_t>(*master)) : std::nullopt;
}

/// What a driver of a domain drives: its vTPM, or the machine's own TPM.
enum class tpm_device : std::uint8_t { vtpm, hardware };

/// One driver of a domain; that of its vTPM when nothing else is said.
struct driver_id {
    driver_id(xen::domid_t of, tpm_device which = tpm_device::vtpm) : domain(of), device(which) {}
    auto operator<=>(const driver_id&) const = default;

    xen::domid_t domain;
    tpm_device device;
};

/// The ends of a TPM command as a driver sees them: user space handed it over, user space got the answer. A
/// driver has one command at a time.
class command_observer_if {
  public:
    virtual ~command_observer_if() = default;
    virtual void command_issued(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) = 0;
    virtual void command_returned(driver_id driver, const sc_core::sc_time& at, std::uint32_t ordinal) = 0;
};

}  // namespace vtwin::trace
