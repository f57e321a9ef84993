#include "scenarios/campaign/database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include "scenarios/schema/problem.h"

namespace vtwin::scenario {
namespace {

std::string in_words(const SQLite::Exception& error) {
    switch (error.getErrorCode()) {
        case SQLITE_FULL:
            return "the disk is full; make room and resume, finished runs are kept";
        case SQLITE_IOERR:
            return fmt::format("cannot be read or written ({}); finished runs are kept, resume goes on",
                               error.getErrorStr());
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
            return fmt::format("no campaign store, or a damaged one ({})", error.getErrorStr());
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
            return fmt::format("cannot be opened or written ({})", error.getErrorStr());
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "another program is writing to it";
        default:
            return fmt::format("{} (SQLite error {})", error.what(), error.getExtendedErrorCode());
    }
}

constexpr const char* tables = R"(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE variants (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE worlds (id INTEGER PRIMARY KEY, variant TEXT NOT NULL, seed INTEGER NOT NULL,
    overrides TEXT NOT NULL) STRICT;
CREATE TABLE strata (id INTEGER PRIMARY KEY, name TEXT NOT NULL, population INTEGER NOT NULL,
    drawn INTEGER NOT NULL, weight REAL NOT NULL, sampling TEXT NOT NULL) STRICT;
CREATE TABLE allowed (variant TEXT NOT NULL, stratum TEXT NOT NULL, classes TEXT NOT NULL) STRICT;
CREATE TABLE runs (id INTEGER PRIMARY KEY, world INTEGER NOT NULL, stratum TEXT NOT NULL,
    faults TEXT NOT NULL) STRICT;
CREATE INDEX runs_of_world ON runs (world, id);
CREATE TABLE results (id INTEGER PRIMARY KEY, class INTEGER NOT NULL, invariant TEXT, at INTEGER,
    summary TEXT NOT NULL, faults_begun INTEGER NOT NULL, first_begun INTEGER NOT NULL,
    end INTEGER NOT NULL, fingerprint TEXT NOT NULL, violations TEXT NOT NULL) STRICT;
)";

}  // namespace

void guard(const std::filesystem::path& file, const std::function<void()>& work) {
    try {
        work();
    } catch (const SQLite::Exception& error) {
        throw user_error({file.string(), 0}, "", in_words(error));
    }
}

writer_lock::writer_lock(const std::filesystem::path& file) {
    const auto lock = file.string() + ".lock";
    m_descriptor = ::open(lock.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (m_descriptor < 0)
        throw user_error({file.string(), 0}, "", "cannot be written: " + lock + " cannot be made");
    if (::fcntl(m_descriptor, F_SETLK, &whole) != 0) {
        ::close(m_descriptor);
        throw user_error({file.string(), 0}, "", "another program is writing to it");
    }
}

writer_lock::~writer_lock() {
    // The file stays: were it removed, a program that has it open already would hold a lock that others do
    // not see.
    ::close(m_descriptor);
}

void create_tables(SQLite::Database& database) {
    database.exec(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", store_mark, store_version));
    database.exec(tables);
}

void check_version(const std::filesystem::path& file, SQLite::Database& database) {
    if (database.execAndGet("PRAGMA application_id").getInt() != store_mark)
        throw user_error({file.string(), 0}, "", "this is no campaign store");
    const int version = database.execAndGet("PRAGMA user_version").getInt();
    if (version != store_version)
        throw user_error(
            {file.string(), 0}, "",
            fmt::format("a store of version {}; this program reads version {}", version, store_version));
}

bool is_store(const std::filesystem::path& file) {
    try {
        SQLite::Database database(file.string(), SQLite::OPEN_READONLY);
        return database.execAndGet("PRAGMA application_id").getInt() == store_mark;
    } catch (const SQLite::Exception&) {
        return false;
    }
}

void remove_database(const std::filesystem::path& file) {
    std::error_code ignored;
    for (const char* ending : {"", "-wal", "-shm", "-journal"})
        std::filesystem::remove(file.string() + ending, ignored);
}

void move_database(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code failed;
    for (const char* ending : {"-wal", "-shm", "-journal"})  // they would be taken for the new one's
        std::filesystem::remove(to.string() + ending, failed);
    std::filesystem::rename(from, to, failed);
    if (failed) {
        remove_database(from);
        throw user_error({to.string(), 0}, "", "cannot be made: " + failed.message());
    }
}

std::int64_t to_column(std::uint64_t number) {
    return static_cast<std::int64_t>(number);
}

std::uint64_t from_column(const SQLite::Column& column) {
    return static_cast<std::uint64_t>(column.getInt64());
}

}  // namespace vtwin::scenario
