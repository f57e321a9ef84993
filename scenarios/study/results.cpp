#include "scenarios/study/results.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <fmt/format.h>

namespace vtwin::scenario::study {
namespace {

constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS study(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS points(id INTEGER PRIMARY KEY, setting INTEGER NOT NULL, label TEXT NOT NULL,
    seed INTEGER NOT NULL, problem TEXT NOT NULL, UNIQUE(setting, seed));
CREATE TABLE IF NOT EXISTS metrics(point INTEGER NOT NULL REFERENCES points(id), name TEXT NOT NULL,
    value REAL NOT NULL, PRIMARY KEY(point, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quantiles(point INTEGER NOT NULL REFERENCES points(id), step INTEGER NOT NULL,
    value REAL NOT NULL, PRIMARY KEY(point, step)) WITHOUT ROWID;
)";

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& reason) {
    throw user_error({file.string(), 0}, "", reason);
}

void check_identity(SQLite::Database& database, const std::filesystem::path& file, const study& what) {
    SQLite::Statement stored(database, "SELECT value FROM study WHERE key = 'identity'");
    if (!stored.executeStep()) {
        SQLite::Transaction transaction(database);
        SQLite::Statement insert(database, "INSERT INTO study VALUES(?, ?)");
        for (const auto& [key, value] :
             {std::pair{std::string("identity"), what.identity}, std::pair{std::string("name"), what.name}}) {
            insert.bind(1, key);
            insert.bind(2, value);
            insert.exec();
            insert.reset();
        }
        transaction.commit();
    } else if (stored.getColumn(0).getString() != what.identity) {
        refuse(file,
               "holds results of another study, or of this one before its files or the program changed; "
               "another --out keeps both");
    }
}

bool fits_csv(const std::string& text) {
    return text.find_first_of(",\"\n") == std::string::npos;
}
std::string csv_cell(const std::string& text) {
    if (fits_csv(text))
        return text;
    std::string quoted = "\"";
    for (const char c : text)
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    return quoted + '"';
}

}  // namespace

results::results(const std::filesystem::path& file, const study& what, bool may_create)
    : m_file(file),
      m_settings(points_of(what) / what.replications),
      m_first_seed(what.first_seed),
      m_replications(what.replications) {
    std::error_code ignored;
    if (!may_create && !std::filesystem::exists(file, ignored))
        refuse(file, "no such file; \"vtwin study run\" makes it");
    try {
        m_database =
            std::make_unique<SQLite::Database>(file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        constexpr int patience_ms = 10000;
        m_database->setBusyTimeout(patience_ms);
        m_database->exec(schema);
        check_identity(*m_database, file, what);
    } catch (const SQLite::Exception& problem) {
        refuse(file, std::string("cannot be used as a store of results: ") + problem.what());
    }
}

results::~results() = default;

void results::add(const stored_point& point, const std::string& label) {
    try {
        SQLite::Transaction transaction(*m_database);
        SQLite::Statement head(*m_database,
                               "INSERT INTO points(setting, label, seed, problem) VALUES(?, ?, ?, ?)");
        head.bind(1, static_cast<std::int64_t>(point.setting));
        head.bind(2, label);
        head.bind(3, static_cast<std::int64_t>(point.seed));
        head.bind(4, point.problem);
        head.exec();
        const std::int64_t id = m_database->getLastInsertRowid();
        SQLite::Statement metric(*m_database, "INSERT INTO metrics VALUES(?, ?, ?)");
        for (const auto& [name, value] : point.values) {
            metric.bind(1, id);
            metric.bind(2, name);
            metric.bind(3, value);
            metric.exec();
            metric.reset();
        }
        SQLite::Statement quantile(*m_database, "INSERT INTO quantiles VALUES(?, ?, ?)");
        for (std::size_t step = 0; step < point.quantiles.size(); ++step) {
            quantile.bind(1, id);
            quantile.bind(2, static_cast<std::int64_t>(step));
            quantile.bind(3, point.quantiles[step]);
            quantile.exec();
            quantile.reset();
        }
        transaction.commit();
    } catch (const SQLite::Exception& problem) {
        refuse(m_file, std::string("cannot be written: ") + problem.what());
    }
}

/// Whoever reads the points indexes settings with their numbers.
void results::check(const stored_point& point) const {
    if (point.setting >= m_settings || point.seed - m_first_seed >= m_replications)
        refuse(m_file,
               fmt::format("holds a point with setting {} and seed {}; the study has settings 0 to {} "
                           "and seeds {} to {}",
                           point.setting, point.seed, m_settings - 1, m_first_seed,
                           m_first_seed + m_replications - 1));
}

std::vector<stored_point> results::all() const {
    std::vector<stored_point> points;
    try {
        SQLite::Statement heads(*m_database,
                                "SELECT id, setting, seed, problem FROM points ORDER BY setting, seed");
        SQLite::Statement metrics(*m_database, "SELECT name, value FROM metrics WHERE point = ?");
        SQLite::Statement quantiles(*m_database, "SELECT value FROM quantiles WHERE point = ? ORDER BY step");
        while (heads.executeStep()) {
            stored_point point;
            const std::int64_t id = heads.getColumn(0).getInt64();
            point.setting = static_cast<std::size_t>(heads.getColumn(1).getInt64());
            point.seed = static_cast<std::uint64_t>(heads.getColumn(2).getInt64());
            check(point);
            point.problem = heads.getColumn(3).getString();
            for (metrics.bind(1, id); metrics.executeStep();)
                point.values[metrics.getColumn(0).getString()] = metrics.getColumn(1).getDouble();
            for (quantiles.bind(1, id); quantiles.executeStep();)
                point.quantiles.push_back(quantiles.getColumn(0).getDouble());
            metrics.reset();
            quantiles.reset();
            points.push_back(std::move(point));
        }
    } catch (const SQLite::Exception& problem) {
        refuse(m_file, std::string("cannot be read: ") + problem.what());
    }
    return points;
}

std::uint64_t results::count() const {
    try {
        return static_cast<std::uint64_t>(m_database->execAndGet("SELECT count(*) FROM points").getInt64());
    } catch (const SQLite::Exception& problem) {
        refuse(m_file, std::string("cannot be read: ") + problem.what());
    }
}

std::string csv_of(const study& what, const std::vector<stored_point>& points) {
    std::string text = "setting,seed";
    for (const sweep& each : what.sweeps)
        text += ',' + csv_cell(each.name);
    text += ",metric,value\n";
    const std::vector<setting> settings = settings_of(what);
    for (const stored_point& point : points) {
        std::string head = fmt::format("{},{}", point.setting, point.seed);
        for (const std::string& label : settings.at(point.setting).labels)
            head += ',' + csv_cell(label);
        for (const auto& [name, value] : point.values)
            text += fmt::format("{},{},{}\n", head, name, value);
        if (!point.problem.empty())
            text += fmt::format("{},problem,{}\n", head, csv_cell(point.problem));
    }
    return text;
}

}  // namespace vtwin::scenario::study
