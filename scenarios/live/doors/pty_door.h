// A pseudo-terminal in the place of /dev/tpm0: tpm2-tss' device TCTI, and whatever else opens a device.
#pragma once

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/pseudo_terminal.h"

namespace vtwin::scenario::live {

/// The spec's path is a link to a pseudo-terminal. Whoever opens it gets that one for himself, and the link
/// leads to the next: as with the real device, one open is one file, and what a client left unread or half
/// written ends with it (terminal_commands.h). Commands of several clients take turns; with open=exclusive a
/// second client finds its terminal hung up.
///
/// Two programs that open the path while the door cannot look, as a command is being carried out, share a
/// pseudo-terminal; both are cut off, for nothing tells their octets apart.
class pty_door final : public door {
  public:
    pty_door(const listen_spec& spec, door_context& context);
    std::string describe() const override { return "pty:" + m_link->path(); }

  private:
    std::shared_ptr<device_link> m_link;
};

}  // namespace vtwin::scenario::live
