// Bare TPM commands and responses on a stream: what tcsd's TCP and Unix devices, socat and nc speak.
#pragma once

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/listener.h"

namespace vtwin::scenario::live {

/// Any number of clients at once; their commands take turns. With a resource manager each connection is an
/// open file of its own.
class raw_door final : public door {
  public:
    raw_door(const listen_spec& spec, door_context& context);
    std::string describe() const override { return "raw:" + m_listener->place(); }

  private:
    std::shared_ptr<listener> m_listener;
};

}  // namespace vtwin::scenario::live
