// What swtpm offers: a data channel with TPM commands and a control channel that is the machine around the
// TPM. Clients: QEMU, tpm2-tss' swtpm TCTI, swtpm_ioctl, swtpm_bios, tcsd.
#pragma once

#include <memory>

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/listener.h"

namespace vtwin::scenario::live {

/// Any number of clients on both channels at once; what they ask takes turns. Unlike swtpm's process the door
/// stays when a client says SHUTDOWN: the TPM is off then until the next INIT.
///
/// SET_LOCALITY holds for all connections of the data channel; after SET_DATAFD for that socket alone.
class swtpm_door final : public door {
  public:
    swtpm_door(const listen_spec& spec, door_context& context);
    std::string describe() const override {
        return "swtpm:" + m_data->place() + ", control " + m_control->place();
    }

  private:
    std::shared_ptr<listener> m_data, m_control;
};

}  // namespace vtwin::scenario::live
