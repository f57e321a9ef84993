// Stores of parts to one, and one to stores of parts.
#include <fmt/format.h>

#include "scenarios/campaign/database.h"
#include "scenarios/campaign/result_json.h"
#include "scenarios/campaign/store.h"

namespace vtwin::scenario {
namespace {

/// A copy of a store that claims another part of the campaign.
void copy_as(const shard& part, const std::filesystem::path& from, const std::filesystem::path& to) {
    guard(from, [&] {
        SQLite::Database database(from.string(), SQLite::OPEN_READWRITE, 5000);
        SQLite::Statement copy(database, "VACUUM INTO ?");
        copy.bind(1, to.string());
        copy.exec();
    });
    guard(to, [&] {
        SQLite::Database database(to.string(), SQLite::OPEN_READWRITE);
        database.exec(
            fmt::format("UPDATE meta SET value = '{}' WHERE key = 'shard.index';"
                        "UPDATE meta SET value = '{}' WHERE key = 'shard.count';",
                        part.index, part.count));
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
    whole.add_time_spent(part.time_spent());
    whole.flush();
}

void check_complete(const std::vector<std::filesystem::path>& parts) {
    std::vector<problem> all;
    for (const auto& file : parts) {
        const campaign_store part(file, campaign_store::access::read);
        if (part.finished() == part.planned())
            continue;
        auto& each = all.emplace_back();
        each.where.file = file.string();
        each.text = fmt::format("{} of its {} runs finished; nothing is merged before all have",
                                part.finished(), part.planned());
    }
    if (!all.empty())
        throw user_error(std::move(all));
}

/// A merge that was submitted long ago must not put its campaign in the place of one that was begun since.
void check_replaces_own(const std::filesystem::path& file, const std::filesystem::path& part) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored))
        campaign_store(file, campaign_store::access::read)
            .check_same(campaign_store(part, campaign_store::access::read).header().identity);
}

}  // namespace

void merge_stores(const std::filesystem::path& file, const std::vector<std::filesystem::path>& parts,
                  const merge_options& options) {
    sc_assert(!parts.empty());
    campaign_store::check_place(file, options.replace);
    if (options.complete)
        check_complete(parts);
    const writer_lock alone(file);
    check_replaces_own(file, parts.front());
    const std::filesystem::path working = file.string() + ".tmp";
    remove_database(working);
    try {
        { const campaign_store first(parts.front(), campaign_store::access::read); }  // is it one at all?
        copy_as({}, parts.front(), working);
        {
            campaign_store whole(working, campaign_store::access::write);
            for (std::size_t i = 1; i < parts.size(); ++i)
                take_over(whole, campaign_store(parts[i], campaign_store::access::read));
            if (options.complete && whole.finished() < whole.planned())
                throw user_error({file.string(), 0}, "",
                                 fmt::format("is not made: {} of {} runs are in none of the parts",
                                             whole.planned() - whole.finished(), whole.planned()));
        }
        std::filesystem::remove(working.string() + ".lock");  // nobody else knows this name
        move_database(working, file);
    } catch (...) {
        remove_database(working);
        throw;
    }
}

void split_store(const std::filesystem::path& whole, const std::filesystem::path& file, const shard& part) {
    copy_as(part, whole, file);
    guard(file, [&] {
        SQLite::Database database(file.string(), SQLite::OPEN_READWRITE);
        database.exec(fmt::format("DELETE FROM results WHERE id % {} <> {}", part.count, part.index));
        if (part.index != 0)  // the time is counted once when they are merged
            database.exec("UPDATE meta SET value = '0' WHERE key = 'milliseconds'");
    });
}

std::optional<std::uint64_t> finished_in(const std::filesystem::path& file) {
    try {
        SQLite::Database database(file.string(), SQLite::OPEN_READONLY, 1000);
        return from_column(database.execAndGet("SELECT count(*) FROM results"));
    } catch (const SQLite::Exception&) {
        return std::nullopt;
    }
}

}  // namespace vtwin::scenario
