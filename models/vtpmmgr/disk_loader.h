// Opening the disk at start: which root is the right one, and which groups this boot may open.
// Source: stubdom/vtpmmgr/disk_read.c.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "models/vtpmmgr/disk_tree.h"
#include "models/vtpmmgr/seal.h"
#include "models/vtpmmgr/sector_store.h"

namespace vtwin::models::manager {

/// What a load saw, for the decision to start as a new manager or not.
struct load_report {
    bool magic_present = false;  ///< some seal list carries the manager's magic
    bool fell_back = false;      ///< the newer root could not be loaded, the older one was
    bool unseal_failed = false;  ///< a matching entry did not open
};

class disk_loader {
  public:
    using log_fn = std::function<void(const std::string&)>;

    disk_loader(sector_store& store, seal_if& seals, const behaviour_set& behaviours, work_meter& meter,
                log_fn log);

    /// Loads the newer root that is whole, or nothing.
    std::optional<manager_tree> load();
    const load_report& report() const { return m_report; }

  private:
    std::optional<root_sealed_data> open_seal_list(unsigned slot);
    std::optional<root_sealed_data> open_entry(const sector& raw, const seal_entry& entry);
    std::optional<root_sector> read_root(unsigned slot, const root_sealed_data& secret);
    std::optional<manager_tree> load_slot(unsigned slot, const root_sealed_data& secret,
                                          const root_sector& root);

    /// Visits the leaves below an array of children in order. `visit(location, hash, index)` false:
    /// malformed.
    using leaf_fn = std::function<bool(std::uint32_t location, const sha256_digest& hash, std::size_t index)>;
    struct walk {
        unsigned slot;
        std::vector<std::uint32_t>& itrees;
        const leaf_fn& visit;
    };
    bool visit_leaves(const walk& context, std::span<const sha256_digest> hashes,
                      std::span<const be32> locations, std::size_t first, std::size_t count);

    std::shared_ptr<vtpm_group> load_group(unsigned slot, std::uint32_t location, const sha256_digest& hash,
                                           const root_sealed_data& secret);
    std::optional<group_keys> open_group(const group_sector& stored, const root_sealed_data& secret);
    bool load_pages(unsigned slot, const group_sector& stored, vtpm_group& group);
    bool load_page(unsigned slot, std::uint32_t location, const sha256_digest& hash, std::size_t number,
                   vtpm_group& group);
    void check_rollback(manager_tree& tree, const root_sector& root);
    /// Copies unsealed data into its structure as upstream does, or strictly.
    template <typename Structure>
    std::optional<Structure> unsealed(const seal_entry& entry);

    sector_store& m_store;
    seal_if& m_seals;
    const behaviour_set& m_behaviours;
    work_meter& m_meter;
    log_fn m_log;
    load_report m_report;
};

}  // namespace vtwin::models::manager
