// Commands of the administrator (tag 0x01C2): groups and the vTPMs in them.
// Source: stubdom/vtpmmgr/vtpm_cmd_handler.c, mgmt_authority.c.
#pragma once

#include "models/vtpmmgr/manager_context.h"

namespace vtwin::models::manager {

/// CFG_LIST of the wire, which the SAA signs: u64 sequence, u32 p, composites, u32 k, kernel hashes.
bytes cfg_list(const vtpm_group& group);

class management_commands {
  public:
    explicit management_commands(manager_context& context) : m_context(context) {}

    /// `command` is the whole packet of at least 10 bytes.
    bytes handle(connection& client, byte_view command);

  private:
    using reader = tpm::wire_reader;
    reply group_list(reader& in);
    reply group_new(reader& in);
    reply group_del(reader& in);
    reply group_activate(reader& in);
    reply group_register(reader& in);
    reply group_update(reader& in);
    reply group_show(reader& in);
    reply vtpm_list(reader& in);
    reply vtpm_new(reader& in);
    reply vtpm_del(reader& in);

    /// A parsed GROUP_UPDATE.
    struct configuration {
        std::uint64_t sequence = 0;
        std::vector<seal_entry> platforms;
        std::vector<sha1_digest> kernels;
    };
    std::uint32_t parse_update(reader& in, byte_view body, const vtpm_group& group, byte_view signature,
                               configuration& out);
    std::uint32_t judge_update(const configuration& wanted, bool is_group0) const;
    std::uint32_t apply_update(vtpm_group& group, bool is_group0, configuration wanted);
    bool sequence_refused(const vtpm_group& group, std::uint64_t sequence, byte_view list) const;
    bool is_bound(const vtpm_record& record) const;

    /// Reads a group index. Not found: TPM_BADINDEX; closed: TPM_AUTHFAIL.
    std::uint32_t open_group(reader& in, std::shared_ptr<vtpm_group>& out, std::uint32_t& index) const;

    manager_context& m_context;
};

}  // namespace vtwin::models::manager
