// The command and the platform port of the TPM 2.0 reference simulator: IBM TSS, tpm2-tss' mssim TCTI.
#pragma once

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/listener.h"

namespace vtwin::scenario::live {

/// Any number of clients at once on either port; what they ask for takes turns. Power goes off and on for
/// all; POWER_ON does nothing while there is power. RESET and RESTART are a power cycle, and nothing without
/// power. STOP ends the connection, not the session. Accepted without effect, as there is no such thing
/// behind the door: CANCEL (scenarios/README.md), NV and KEY_CACHE, the
/// alternative result, failure mode.
class mssim_door final : public door {
  public:
    mssim_door(const listen_spec& spec, door_context& context);
    std::string describe() const override {
        return "mssim:" + m_commands->place() + ", platform " + m_platform->place();
    }

  private:
    std::shared_ptr<listener> m_commands, m_platform;
};

}  // namespace vtwin::scenario::live
