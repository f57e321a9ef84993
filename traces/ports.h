// What the recorder needs beyond the observation ports of hypervisor/ and tpm/: who is who, and the two ends
// of a driver call.
#pragma once

#include <cstdint>
#include <functional>
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

/// The ends of a TPM command as the guest's driver sees them: user space handed it over, user space got the
/// answer.
class command_observer_if {
  public:
    virtual ~command_observer_if() = default;
    virtual void command_issued(xen::domid_t guest, const sc_core::sc_time& at, std::uint32_t ordinal) = 0;
    virtual void command_returned(xen::domid_t guest, const sc_core::sc_time& at, std::uint32_t ordinal) = 0;
};

}  // namespace vtwin::trace
