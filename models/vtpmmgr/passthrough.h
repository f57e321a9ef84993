// Hardware TPM commands that the manager lets through (tags 0x00C1 to 0x00C3).
// Source: stubdom/vtpmmgr/vtpm_cmd_handler.c (vtpmmgr_handle_cmd).
#pragma once

#include "models/vtpmmgr/manager_context.h"

namespace vtwin::models::manager {

class passthrough {
  public:
    explicit passthrough(manager_context& context) : m_context(context) {}

    /// GetRandom and PCRRead for everybody, Extend for the administrator; bytes go through unchanged both
    /// ways.
    bytes handle(const connection& client, byte_view command);

  private:
    bool allowed(const connection& client, byte_view command, std::uint32_t ordinal) const;

    manager_context& m_context;
};

}  // namespace vtwin::models::manager
