// The part of a store that makes it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "scenarios/campaign/database.h"
#include "scenarios/campaign/fault_json.h"
#include "scenarios/campaign/store.h"

namespace vtwin::scenario {
namespace {

void write_header(SQLite::Database& database, const store_header& header, const campaign_plan& plan) {
    SQLite::Statement put(database, "INSERT INTO meta VALUES (?, ?)");
    auto add = [&](const char* key, const std::string& value) {
        put.reset();
        put.bind(1, key);
        put.bind(2, value);
        put.exec();
    };
    add("name", header.name);
    add("description", header.description);
    add("file", header.file);
    add("program", header.program);
    add("identity.campaign", header.identity.campaign);
    add("identity.scenario", header.identity.scenario);
    add("identity.program", header.identity.program);
    add("confidence", fmt::format("{}", header.confidence));
    add("shard.index", std::to_string(header.part.index));
    add("shard.count", std::to_string(header.part.count));
    add("worlds", std::to_string(plan.worlds.size()));
    add("runs", std::to_string(plan.runs));
    add("milliseconds", "0");
    SQLite::Statement variant(database, "INSERT INTO variants VALUES (?, ?)");
    for (std::size_t i = 0; i < header.variants.size(); ++i) {
        variant.reset();
        variant.bind(1, static_cast<std::int64_t>(i));
        variant.bind(2, header.variants[i]);
        variant.exec();
    }
}

std::string overrides_text(const std::vector<override_text>& overrides) {
    auto all = nlohmann::json::array();
    for (const auto& each : overrides)
        all.push_back({each.key, each.text, each.option});
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_plan(SQLite::Database& database, const campaign_plan& plan,
                const std::vector<allowance>& allowed) {
    SQLite::Statement world(database, "INSERT INTO worlds VALUES (?, ?, ?, ?)");
    for (std::size_t i = 0; i < plan.worlds.size(); ++i) {
        world.reset();
        world.bind(1, static_cast<std::int64_t>(i));
        world.bind(2, plan.worlds[i].variant);
        world.bind(3, to_column(plan.worlds[i].seed));
        world.bind(4, overrides_text(plan.worlds[i].overrides));
        world.exec();
    }
    SQLite::Statement stratum(database, "INSERT INTO strata VALUES (?, ?, ?, ?, ?, ?)");
    for (std::size_t i = 0; i < plan.strata.size(); ++i) {
        const auto& each = plan.strata[i];
        stratum.reset();
        stratum.bind(1, static_cast<std::int64_t>(i));
        stratum.bind(2, each.name);
        stratum.bind(3, to_column(each.population));
        stratum.bind(4, to_column(each.drawn));
        stratum.bind(5, each.weight);
        stratum.bind(6, each.sampling);
        stratum.exec();
    }
    SQLite::Statement allow(database, "INSERT INTO allowed VALUES (?, ?, ?)");
    for (const auto& each : allowed) {
        allow.reset();
        allow.bind(1, each.variant);
        allow.bind(2, each.stratum);
        allow.bind(3, each.allowed.text());
        allow.exec();
    }
}

void write_runs(SQLite::Database& database, const planner& plan) {
    SQLite::Statement put(database, "INSERT INTO runs VALUES (?, ?, ?, ?)");
    plan.for_each_run([&](const planned_run& run) {
        put.reset();
        put.bind(1, to_column(run.id));
        put.bind(2, static_cast<std::int64_t>(run.world));
        put.bind(3, run.stratum);
        put.bind(4, write_faults(run.faults));
        put.exec();
    });
}

}  // namespace

void campaign_store::check_place(const std::filesystem::path& file, bool replace) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored)))
        return;
    if (!is_store(file))
        throw user_error({file.string(), 0}, "", "exists and is no campaign store; it is not replaced");
    if (!replace)
        throw user_error({file.string(), 0}, "",
                         "exists; `vtwin campaign resume` goes on with it, --replace starts again");
}

void campaign_store::create(const std::filesystem::path& file, const store_header& header,
                            const std::vector<allowance>& allowed, const planner& plan, bool replace) {
    check_place(file, replace);
    std::error_code failed;
    if (file.has_parent_path())
        std::filesystem::create_directories(file.parent_path(), failed);
    const writer_lock lock(file);
    const std::filesystem::path working = file.string() + ".tmp";
    remove_database(working);
    try {
        guard(working, [&] {
            SQLite::Database database(working.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
            SQLite::Transaction all(database);
            create_tables(database);
            write_header(database, header, plan.plan());
            write_plan(database, plan.plan(), allowed);
            write_runs(database, plan);
            all.commit();
        });
    } catch (...) {
        remove_database(working);
        throw;
    }
    move_database(working, file);
}

}  // namespace vtwin::scenario
