// What the requests of swtpm's control channel do to the machine's TPM.
#pragma once

#include <asio/awaitable.hpp>
#include <cstdint>

#include "scenarios/live/doors/door.h"
#include "scenarios/live/doors/swtpm_control.h"

namespace vtwin::scenario::live::swtpm {

/// One per door; it keeps what swtpm would keep in its state directory beside the TPM's own memory.
class chip {
  public:
    explicit chip(door_context& context) : m_context(context) {}

    /// Carries out a request and gives its answer: all but SET_LOCALITY and SET_DATAFD, which concern the
    /// connection.
    asio::awaitable<tpm::bytes> answer_to(request asked);
    /// In force on the data channel.
    std::uint8_t locality = 0;

  private:
    asio::awaitable<tpm::bytes> power_on(std::uint32_t flags);
    asio::awaitable<tpm::bytes> take_blob(std::uint32_t type, std::uint32_t offset);
    asio::awaitable<tpm::bytes> give_blob(std::uint32_t type, tpm::bytes blob);
    asio::awaitable<std::uint32_t> perform(operation::kind what, std::uint8_t at, tpm::bytes data);
    asio::awaitable<answer> perform_for_answer(operation::kind what);

    door_context& m_context;
    tpm::bytes m_stored_volatile;   ///< by STORE_VOLATILE: every INIT resumes it until one deletes it
    bool m_volatile_given = false;  ///< by SET_STATEBLOB, for the next INIT
};

}  // namespace vtwin::scenario::live::swtpm
