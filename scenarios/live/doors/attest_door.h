// Where a program asks the served guest's agent to prove the guest's state to the scenario's verifier.
#pragma once

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/listener.h"

namespace vtwin::scenario::live {

/// A client sends one line, an attest_request as JSON: {"firmware_log":"<hex>","ima_log":"<text>"}, and gets
/// one: a verdict as JSON (models/attestation/messages.h), or {"problem":"..."} when it did not come to one.
/// Then the next. Lines have at most longest_attest_request characters, and no more than most_attest_clients
/// are served at once: others are told so, and hung up on.
class attest_door final : public door {
  public:
    attest_door(const listen_spec& spec, door_context& context);
    std::string describe() const override { return "attest:" + m_listener->place(); }

  private:
    std::shared_ptr<listener> m_listener;
};

inline constexpr std::size_t longest_attest_request = 8 * 1024 * 1024;
inline constexpr unsigned most_attest_clients = 8;

}  // namespace vtwin::scenario::live
