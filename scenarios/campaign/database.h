// SQLite as stores use it: its errors as the user's, one writer, nothing half-written.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>
#include <filesystem>
#include <functional>
#include <string>

namespace vtwin::scenario {

/// Runs `work`; an error of SQLite becomes a user_error that names the file: a full disk, a damaged file, no
/// permission.
void guard(const std::filesystem::path& file, const std::function<void()>& work);

/// Who holds it is the only one to write; ends with the program, however that ends. Forked children do not
/// hold it.
class writer_lock {
  public:
    /// Locks FILE.lock; throws user_error when another program holds it.
    explicit writer_lock(const std::filesystem::path& file);
    ~writer_lock();
    writer_lock(const writer_lock&) = delete;
    writer_lock& operator=(const writer_lock&) = delete;

  private:
    int m_descriptor = -1;
};

inline constexpr int store_mark = 0x76746d63;  ///< PRAGMA application_id
inline constexpr int store_version = 1;        ///< PRAGMA user_version

/// Creates the tables in an empty database.
void create_tables(SQLite::Database& database);
/// Throws user_error unless it is a store of this version.
void check_version(const std::filesystem::path& file, SQLite::Database& database);
/// True when the file is a store of any version.
bool is_store(const std::filesystem::path& file);

/// Removes a database that nobody has open, with the files that SQLite keeps beside it.
void remove_database(const std::filesystem::path& file);
/// Puts a complete database in the place of another one; throws user_error.
void move_database(const std::filesystem::path& from, const std::filesystem::path& to);

/// 64-bit numbers are stored as SQLite's signed ones, bit by bit.
std::int64_t to_column(std::uint64_t number);
std::uint64_t from_column(const SQLite::Column& column);

}  // namespace vtwin::scenario
