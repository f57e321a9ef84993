// Commands that a vTPM sends for itself (tag 0x01C1) and the lookup that binds a connection to its record.
// Source: stubdom/vtpmmgr/vtpm_cmd_handler.c, vtpm_disk.c.
#pragma once

#include "models/vtpmmgr/manager_context.h"

namespace vtwin::models::manager {

class vtpm_commands {
  public:
    explicit vtpm_commands(manager_context& context) : m_context(context) {}

    /// `command` is the whole packet of at least 10 bytes.
    bytes handle(connection& client, byte_view command);

  private:
    reply save_hash_key(connection& client, byte_view body);
    reply load_hash_key(connection& client);
    reply get_boot_hash(connection& client, byte_view body);
    reply get_quote(connection& client, byte_view body);

    /// Binds the connection to its UUID's record after a look at the peer's label. 0, 3 unknown UUID, 7 open
    /// elsewhere or label refused, 9 no label.
    std::uint32_t verify(connection& client);
    enum class label_result : std::uint8_t { listed, unlisted, unavailable };
    label_result check_label(connection& client, const vtpm_group& group);
    /// A new record in group 0 for an unknown UUID.
    std::uint32_t create(connection& client);
    std::uint32_t store(connection& client, byte_view body);

    manager_context& m_context;
};

}  // namespace vtwin::models::manager
