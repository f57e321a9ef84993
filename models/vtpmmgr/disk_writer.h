// The commit: a copy-on-write tree below two roots that take turns.
// Source: stubdom/vtpmmgr/disk_write.c.
#pragma once

#include <functional>
#include <optional>

#include "models/vtpmmgr/disk_tree.h"
#include "models/vtpmmgr/seal.h"
#include "models/vtpmmgr/sector_store.h"

namespace vtwin::models::manager {

enum class sync_depth : std::uint8_t { sequence = 0, counter = 1 };

enum class commit_result : std::uint8_t {
    written,
    skipped,  ///< group 0 is closed or has no platform configuration: nothing was written
    failed,   ///< the old root is still authoritative (only when errors do not kill the domain)
};

class disk_writer {
  public:
    disk_writer(manager_tree& tree, sector_store& store, seal_if& seals, const behaviour_set& behaviours,
                work_meter& meter, tpm::entropy_if& entropy);

    /// The hardware counter that each commit has to move, and its value now: hardened only. The function
    /// returns the new value, nothing when the TPM refused.
    using counter_fn = std::function<std::optional<std::uint32_t>()>;
    void use_counter(std::uint32_t value, counter_fn increment);

    /// Marks a group changed: its sequence number grows and it will be written anew.
    static void touch(vtpm_group& group);
    /// Writes everything that changed as the other root.
    commit_result commit(sync_depth depth);

  private:
    struct child {
        std::uint32_t location;
        sha256_digest hash;
    };

    void mark_unchanged(unsigned slot);
    bool write_group(vtpm_group& group, unsigned slot);
    bool write_page(vtpm_group& group, vtpm_page& page, unsigned slot);
    bool seal_group(vtpm_group& group);
    bool write_root(unsigned slot);
    bool write_seal_list(unsigned slot);
    bool write_everything(unsigned slot);
    void give_up(unsigned slot);
    bool count_commit();
    /// Fills the child arrays of a root, group or itree for `leaves`, writing the itrees in between.
    bool place(std::span<const child> leaves, std::span<sha256_digest> hashes, std::span<be32> locations,
               unsigned slot, std::vector<std::uint32_t>& itrees);
    std::optional<child> write_itree(std::span<const child> leaves, unsigned slot,
                                     std::vector<std::uint32_t>& itrees);

    manager_tree& m_tree;
    sector_store& m_store;
    seal_if& m_seals;
    const behaviour_set& m_behaviours;
    work_meter& m_meter;
    tpm::entropy_if& m_entropy;
    std::uint32_t m_counter = 0;
    counter_fn m_increment;
    sector m_residue{};  ///< what the stack frame of the itree writer last held
};

}  // namespace vtwin::models::manager
