#include "scenarios/campaign/store.h"

#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include "models/hex.h"
#include "scenarios/campaign/database.h"
#include "scenarios/campaign/fault_json.h"
#include "scenarios/campaign/result_json.h"

namespace vtwin::scenario {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t most_waiting = 200;
constexpr auto longest_wait = 100ms;

std::vector<override_text> overrides_of(const std::string& text) {
    std::vector<override_text> all;
    for (const auto& each : nlohmann::json::parse(text))
        all.push_back({each.at(0), each.at(1), each.at(2)});
    return all;
}

/// Columns of results, from the given one on.
finished_run result_of(SQLite::Statement& row, int first) {
    finished_run made;
    const auto worst = row.getColumn(first).getUInt();
    if (worst >= outcome_classes)
        throw user_error({}, "", "no outcome class: " + std::to_string(worst));
    made.result.worst = static_cast<outcome_class>(worst);
    made.result.summary = row.getColumn(first + 1).getString();
    made.faults_begun = from_column(row.getColumn(first + 2));
    made.first_begun = sc_core::sc_time::from_value(from_column(row.getColumn(first + 3)));
    made.end = sc_core::sc_time::from_value(from_column(row.getColumn(first + 4)));
    made.fingerprint = row.getColumn(first + 5).getString();
    made.result.violations = read_violations(row.getColumn(first + 6).getString());
    return made;
}

constexpr const char* all_columns =
    "SELECT runs.id, runs.world, runs.stratum, runs.faults, worlds.variant, worlds.seed, results.id, "
    "results.class, results.summary, results.faults_begun, results.first_begun, results.end, "
    "results.fingerprint, results.violations FROM runs JOIN worlds ON worlds.id = runs.world "
    "LEFT JOIN results ON results.id = runs.id ";

stored_run run_of(SQLite::Statement& row) {
    stored_run made;
    made.plan.id = from_column(row.getColumn(0));
    made.plan.world = static_cast<std::size_t>(from_column(row.getColumn(1)));
    made.plan.stratum = row.getColumn(2).getString();
    made.plan.faults = read_faults(row.getColumn(3).getString());
    made.where.variant = row.getColumn(4).getString();
    made.where.seed = from_column(row.getColumn(5));
    if (!row.isColumnNull(6)) {
        made.result = result_of(row, 7);
        made.result->id = made.plan.id;
    }
    return made;
}

}  // namespace

struct campaign_store::state {
    std::filesystem::path file;
    std::optional<writer_lock> lock;
    mutable SQLite::Database database;
    store_header header;
    std::vector<finished_run> waiting;
    std::chrono::milliseconds time_waiting{0};  ///< not written yet
    clock::time_point last_write = clock::now();

    state(const std::filesystem::path& path, access how)
        : file(path), database(path.string(), SQLite::OPEN_READWRITE, 5000) {
        check_version(file, database);
        if (how == access::write)
            lock.emplace(file);
        read_header();
        // Parts lie where several machines see them, and a write-ahead log is shared memory of one machine.
        if (how == access::write)
            database.exec(header.part.count == 1
                              ? "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                              : "PRAGMA journal_mode = DELETE; PRAGMA synchronous = NORMAL;");
    }

    std::string meta(const char* key) const {
        SQLite::Statement get(database, "SELECT value FROM meta WHERE key = ?");
        get.bind(1, key);
        if (!get.executeStep())
            throw user_error({file.string(), 0}, "", std::string("a damaged store: no ") + key);
        return get.getColumn(0).getString();
    }
    std::uint64_t number(const std::string& query) const { return from_column(database.execAndGet(query)); }
    std::string own_part() const {
        return header.part.count == 1 ? "1"
                                      : "runs.id % " + std::to_string(header.part.count) + " = " +
                                            std::to_string(header.part.index);
    }
    void read_header();
    std::chrono::milliseconds stored_time() const {
        return std::chrono::milliseconds(std::strtoll(meta("milliseconds").c_str(), nullptr, 10));
    }
    void write(const std::vector<finished_run>& results);
};

void campaign_store::state::read_header() {
    header.name = meta("name");
    header.description = meta("description");
    header.file = meta("file");
    header.program = meta("program");
    header.identity = {meta("identity.campaign"), meta("identity.scenario"), meta("identity.program")};
    try {
        header.confidence = std::stod(meta("confidence"));
        header.part = {std::stoull(meta("shard.index")), std::stoull(meta("shard.count"))};
        header.worlds = std::stoull(meta("worlds"));
        header.runs = std::stoull(meta("runs"));
    } catch (const std::logic_error&) {
        throw user_error({file.string(), 0}, "", "a damaged store: no number where one must be");
    }
    SQLite::Statement variants(database, "SELECT name FROM variants ORDER BY id");
    while (variants.executeStep())
        header.variants.push_back(variants.getColumn(0).getString());
}

void campaign_store::state::write(const std::vector<finished_run>& results) {
    SQLite::Transaction all(database);
    SQLite::Statement put(database, "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const auto& each : results) {
        const auto& violations = each.result.violations;
        put.reset();
        put.clearBindings();
        put.bind(1, to_column(each.id));
        put.bind(2, static_cast<int>(each.result.worst));
        if (!violations.empty()) {
            put.bind(3, violations.front().invariant);
            put.bind(4, to_column(violations.front().at.value()));
        }
        put.bind(5, each.result.summary);
        put.bind(6, to_column(each.faults_begun));
        put.bind(7, to_column(each.first_begun.value()));
        put.bind(8, to_column(each.end.value()));
        put.bind(9, each.fingerprint);
        put.bind(10, write_violations(violations));
        put.exec();
    }
    SQLite::Statement spent(database, "UPDATE meta SET value = ? WHERE key = 'milliseconds'");
    spent.bind(1, std::to_string((stored_time() + time_waiting).count()));
    spent.exec();
    all.commit();
}

campaign_store::campaign_store(const std::filesystem::path& file, access how) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(file, ignored))
        throw user_error({file.string(), 0}, "", "no such campaign store");
    guard(file, [&] { m_state = std::make_unique<state>(file, how); });
}

campaign_store::~campaign_store() {
    try {
        flush();
    } catch (const user_error&) {  // the results that are lost will be made again
        m_state->waiting.clear();
    }
}

const std::filesystem::path& campaign_store::file() const {
    return m_state->file;
}
const store_header& campaign_store::header() const {
    return m_state->header;
}

void campaign_store::check_same(const campaign_identity& now) const {
    const auto differs = difference(now, m_state->header.identity);
    if (!differs.empty())
        throw user_error({m_state->file.string(), 0}, "",
                         "its results cannot be mixed with new ones: " + differs);
}

std::vector<world> campaign_store::worlds() const {
    std::vector<world> all;
    guard(m_state->file, [&] {
        SQLite::Statement row(m_state->database, "SELECT variant, overrides, seed FROM worlds ORDER BY id");
        while (row.executeStep())
            all.push_back({row.getColumn(0).getString(), overrides_of(row.getColumn(1).getString()),
                           from_column(row.getColumn(2))});
    });
    return all;
}

std::vector<stratum_plan> campaign_store::strata() const {
    std::vector<stratum_plan> all;
    guard(m_state->file, [&] {
        SQLite::Statement row(m_state->database,
                              "SELECT name, population, drawn, weight, sampling FROM strata ORDER BY id");
        while (row.executeStep())
            all.push_back({row.getColumn(0).getString(), from_column(row.getColumn(1)),
                           from_column(row.getColumn(2)), row.getColumn(3).getDouble(),
                           row.getColumn(4).getString()});
    });
    return all;
}

std::vector<allowance> campaign_store::allowances() const {
    std::vector<allowance> all;
    guard(m_state->file, [&] {
        SQLite::Statement row(m_state->database,
                              "SELECT variant, stratum, classes FROM allowed ORDER BY rowid");
        while (row.executeStep())
            all.push_back({row.getColumn(0).getString(), row.getColumn(1).getString(),
                           outcome_set::parse(row.getColumn(2).getString())});
    });
    return all;
}

std::uint64_t campaign_store::planned() const {
    std::uint64_t count = 0;
    guard(m_state->file,
          [&] { count = m_state->number("SELECT count(*) FROM runs WHERE " + m_state->own_part()); });
    return count;
}

std::uint64_t campaign_store::finished() const {
    std::uint64_t count = 0;
    guard(m_state->file, [&] { count = m_state->number("SELECT count(*) FROM results"); });
    return count;
}

std::vector<planned_run> campaign_store::pending(std::uint64_t limit) const {
    std::vector<planned_run> all;
    guard(m_state->file, [&] {
        SQLite::Statement row(m_state->database,
                              "SELECT id, world, stratum, faults FROM runs WHERE id NOT IN "
                              "(SELECT id FROM results) AND " +
                                  m_state->own_part() + " ORDER BY world, id LIMIT ?");
        row.bind(1, to_column(std::min<std::uint64_t>(limit, INT64_MAX)));
        while (row.executeStep())
            all.push_back({from_column(row.getColumn(0)),
                           static_cast<std::size_t>(from_column(row.getColumn(1))),
                           row.getColumn(2).getString(), read_faults(row.getColumn(3).getString())});
    });
    return all;
}

void campaign_store::add(const finished_run& result) {
    m_state->waiting.push_back(result);
    if (m_state->waiting.size() >= most_waiting || clock::now() - m_state->last_write >= longest_wait)
        flush();
}

void campaign_store::flush() {
    if (m_state->waiting.empty() && m_state->time_waiting.count() == 0)
        return;
    guard(m_state->file, [&] { m_state->write(m_state->waiting); });
    m_state->waiting.clear();
    m_state->time_waiting = {};
    m_state->last_write = clock::now();
}

std::chrono::milliseconds campaign_store::time_spent() const {
    auto time = m_state->time_waiting;
    guard(m_state->file, [&] { time += m_state->stored_time(); });
    return time;
}

void campaign_store::add_time_spent(std::chrono::milliseconds more) {
    m_state->time_waiting += more;
}

void campaign_store::for_each(const std::function<void(const stored_run&)>& sink) const {
    guard(m_state->file, [&] {
        SQLite::Statement row(m_state->database, std::string(all_columns) + "ORDER BY runs.id");
        while (row.executeStep())
            sink(run_of(row));
    });
}

std::optional<stored_run> campaign_store::find(std::uint64_t id) const {
    std::optional<stored_run> found;
    guard(m_state->file, [&] {
        SQLite::Statement row(m_state->database, std::string(all_columns) + "WHERE runs.id = ?");
        row.bind(1, to_column(id));
        if (row.executeStep())
            found = run_of(row);
    });
    return found;
}

void campaign_store::export_table(const std::function<void(const std::string&)>& line) const {
    for_each([&](const stored_run& run) {
        if (run.result)
            line(table_line(run.plan, run.where, *run.result));
    });
}

std::string campaign_store::result_hash() const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    export_table([&](const std::string& line) {
        EVP_DigestUpdate(context.get(), line.data(), line.size());
        EVP_DigestUpdate(context.get(), "\n", 1);
    });
    models::bytes digest(32);
    EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return models::to_hex(digest);
}

}  // namespace vtwin::scenario
