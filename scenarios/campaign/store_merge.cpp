// Stores of parts to one.
#include <fmt/format.h>

#include "scenarios/campaign/database.h"
#include "scenarios/campaign/result_json.h"
#include "scenarios/campaign/store.h"

namespace vtwin::scenario {
namespace {

/// A copy of a store that claims the whole campaign.
void copy_as_whole(const std::filesystem::path& from, const std::filesystem::path& to) {
    guard(from, [&] {
        SQLite::Database database(from.string(), SQLite::OPEN_READWRITE, 5000);
        SQLite::Statement copy(database, "VACUUM INTO ?");
        copy.bind(1, to.string());
        copy.exec();
    });
    guard(to, [&] {
        SQLite::Database database(to.string(), SQLite::OPEN_READWRITE);
        database.exec(
            "UPDATE meta SET value = '0' WHERE key = 'shard.index';"
            "UPDATE meta SET value = '1' WHERE key = 'shard.count';");
    });
}

void take_over(campaign_store& whole, const campaign_store& part) {
    whole.check_same(part.header().identity);
    part.for_each([&](const stored_run& run) {
        if (!run.result)
            return;
        const auto ours = whole.find(run.plan.id);
        if (ours && ours->result &&
            table_line(ours->plan, ours->where, *ours->result) !=
                table_line(run.plan, run.where, *run.result))
            throw user_error({part.file().string(), 0}, "",
                             fmt::format("run {} came to something else than in another part", run.plan.id));
        whole.add(*run.result);
    });
    whole.flush();
    whole.add_time_spent(part.time_spent());
}

}  // namespace

void merge_stores(const std::filesystem::path& file, const std::vector<std::filesystem::path>& parts,
                  bool replace) {
    sc_assert(!parts.empty());
    campaign_store::check_place(file, replace);
    const std::filesystem::path working = file.string() + ".tmp";
    remove_database(working);
    try {
        { const campaign_store first(parts.front(), campaign_store::access::read); }  // is it one at all?
        copy_as_whole(parts.front(), working);
        {
            campaign_store whole(working, campaign_store::access::write);
            for (std::size_t i = 1; i < parts.size(); ++i)
                take_over(whole, campaign_store(parts[i], campaign_store::access::read));
        }
        std::filesystem::remove(working.string() + ".lock");  // nobody else knows this name
        move_database(working, file);
    } catch (...) {
        remove_database(working);
        throw;
    }
}

}  // namespace vtwin::scenario
