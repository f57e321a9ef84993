// Campaign, store and engine brought together.
#pragma once

#include <filesystem>
#include <optional>

#include "scenarios/campaign/campaign_file.h"
#include "scenarios/campaign/execution.h"
#include "scenarios/campaign/progress.h"
#include "scenarios/campaign/store.h"

namespace vtwin::scenario {

/// Where a campaign's store goes when nobody says: out/campaigns/<name>.sqlite, with ".<i>of<n>" before the
/// dot for a part.
std::filesystem::path default_store(const campaign& what, const shard& part);

/// Plans the campaign and makes its store. Throws user_error.
void make_store(const campaign& what, const std::filesystem::path& file, const shard& part,
                execution_if* engine, bool replace, const fault_check& check = check_fault);

struct run_pending_options {
    unsigned jobs = 1;                   ///< processes at a time
    std::optional<std::uint64_t> limit;  ///< at most so many runs, then stop
};

/// Runs what has no result yet and keeps the results; gives how many it ran. A result is in the store before
/// it counts. Throws user_error when the store cannot be written; then everything stops and a later call goes
/// on.
std::uint64_t run_pending(campaign_store& store, execution_if& engine, const run_pending_options& options,
                          std::ostream& out, bool on_terminal);

/// Runs one run again. The store is only read.
struct replayed_run {
    stored_run stored;
    finished_run now;
    bool same() const;  ///< class and fingerprint as stored; true when nothing was stored
};
replayed_run replay(const campaign_store& store, std::uint64_t id, execution_if& engine);

/// Runs so many finished runs again, drawn with the seed `draw`; gives those that came to something else.
std::vector<replayed_run> replay_some(const campaign_store& store, std::uint64_t runs, std::uint64_t draw,
                                      unsigned jobs, execution_if& engine);

}  // namespace vtwin::scenario
