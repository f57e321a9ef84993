// A campaign's plan and results in one file (SQLite). Whatever ends the program, the file stays whole, and
// what was finished stays finished.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/batch/shard.h"
#include "scenarios/campaign/execution.h"
#include "scenarios/campaign/identity.h"
#include "scenarios/campaign/outcome_set.h"
#include "scenarios/campaign/plan.h"

namespace vtwin::scenario {

/// What a store says about itself; enough to report on it without the campaign file.
struct store_header {
    std::string name, description;
    std::string file;     ///< of the campaign, absolute
    std::string program;  ///< "vtwin 0.1.0"
    campaign_identity identity;
    double confidence = 0.95;
    shard part;                          ///< by the runs' ids
    std::uint64_t worlds = 0, runs = 0;  ///< of the whole campaign
    std::vector<std::string> variants;
};

/// What a run of a variant and stratum may come to.
struct allowance {
    std::string variant, stratum;
    outcome_set allowed;
};

/// A run with its result, when it has one.
struct stored_run {
    planned_run plan;
    world where;  ///< without overrides
    std::optional<finished_run> result;
};

/// Every function throws user_error when the file cannot be read or written; after a full disk the store
/// holds everything but the last results, and a later program goes on with it.
class campaign_store {
  public:
    enum class access : std::uint8_t { read, write };
    /// Opens a store. `write` is for one program at a time. Refuses other files and other versions.
    campaign_store(const std::filesystem::path& file, access how);
    /// Makes one: the plan is written beside `file` and moved there when it is complete. Refuses to replace a
    /// file unless `replace` is set and that file is a store.
    /// Its `worlds` and `runs` follow from the plan.
    static void create(const std::filesystem::path& file, const store_header& header,
                       const std::vector<allowance>& allowed, const planner& plan, bool replace);
    /// What `create` would refuse, before the work of planning is done.
    static void check_place(const std::filesystem::path& file, bool replace);
    ~campaign_store();
    campaign_store(const campaign_store&) = delete;
    campaign_store& operator=(const campaign_store&) = delete;

    const std::filesystem::path& file() const;
    const store_header& header() const;
    /// Digest of what the results depend on must be the same; throws user_error that says what differs.
    void check_same(const campaign_identity& now) const;

    // ---- plan
    std::vector<world> worlds() const;
    std::vector<stratum_plan> strata() const;  ///< in the order of the file
    std::vector<allowance> allowances() const;
    /// Runs of the whole campaign in this store's part.
    std::uint64_t planned() const;
    std::uint64_t finished() const;
    /// At most `limit` runs of this part without a result, world by world, by id within each.
    std::vector<planned_run> pending(std::uint64_t limit) const;

    // ---- results
    /// Keeps a result; it reaches the file within 100 ms of results or 200 of them, or with `flush`.
    void add(const finished_run& result);
    void flush();
    /// Wall time that was spent on runs, over all programs that did; no part of the results.
    std::chrono::milliseconds time_spent() const;
    /// Reaches the file together with the next results, or with `flush`.
    void add_time_spent(std::chrono::milliseconds more);

    /// By id; runs without a result too.
    void for_each(const std::function<void(const stored_run&)>& sink) const;
    std::optional<stored_run> find(std::uint64_t id) const;
    /// The result table: one line of JSON per finished run, by id. The same campaign gives the same bytes.
    void export_table(const std::function<void(const std::string&)>& line) const;
    /// SHA-256 of the table, 64 hexadecimal digits.
    std::string result_hash() const;

  private:
    struct state;
    std::unique_ptr<state> m_state;
};

struct merge_options {
    bool replace = false;   ///< a store of the same campaign that is there
    bool complete = false;  ///< refuse when a run has no result
};
/// A new store with the results of several of the same campaign, its parts for example. Throws user_error:
/// they are of different campaigns, or the same run came to two results.
void merge_stores(const std::filesystem::path& file, const std::vector<std::filesystem::path>& parts,
                  const merge_options& options);

/// A part of a store as a store of its own, with the results that are there. Throws user_error.
void split_store(const std::filesystem::path& whole, const std::filesystem::path& file, const shard& part);

/// How many runs of a store have results. The file is only read, whoever writes to it meanwhile; nothing when
/// it cannot be read now.
std::optional<std::uint64_t> finished_in(const std::filesystem::path& file);

}  // namespace vtwin::scenario
