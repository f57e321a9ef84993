// The figures of a study in a SQLite file: every point is written in one transaction, so that a study that
// was killed goes on where it was.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/batch/shard.h"
#include "scenarios/study/metrics.h"
#include "scenarios/study/study.h"

namespace SQLite {  // NOLINT(readability-identifier-naming): named by its library
class Database;
}

namespace vtwin::scenario::study {

struct stored_point {
    std::size_t setting = 0;  ///< position in settings_of
    std::uint64_t seed = 0;
    std::string problem;  ///< "" when there are figures
    metrics values;
    std::vector<double> quantiles;  ///< of the latency in nanoseconds, from 0 to 100 % in equal steps
};

/// Tables: study(key, value), points(id, setting, label, seed, problem), metrics(point, name, value),
/// quantiles(point, step, value). Throws user_error when the file cannot be used.
class results {
  public:
    /// Opens, or creates when there is none and `may_create`. An existing file must hold this study: the
    /// same files and the same program.
    results(const std::filesystem::path& file, const study& what, bool may_create);
    ~results();
    results(const results&) = delete;
    results& operator=(const results&) = delete;

    void add(const stored_point& point, const std::string& label);
    /// By setting, then by seed; points with a problem included. Every one is a point of the study: a file
    /// with another is refused.
    std::vector<stored_point> all() const;
    std::uint64_t count() const;

  private:
    void check(const stored_point& point) const;

    std::filesystem::path m_file;
    std::uint64_t m_settings, m_first_seed, m_replications;
    std::unique_ptr<SQLite::Database> m_database;
};

/// How many points a file holds. It is only read, whoever writes to it meanwhile; nothing when it cannot be
/// read now.
std::optional<std::uint64_t> points_in(const std::filesystem::path& file);

/// Puts the points of other files of the same study into `file`, which is made when there is none. Throws
/// user_error: a file is of another study, the same point came to two results, or points are missing though
/// the study must be complete; nothing is written then.
void merge_results(const std::filesystem::path& file, const std::vector<std::filesystem::path>& parts,
                   const study& what, bool complete);

/// Makes a file with those points of `whole` that belong to a part; `whole` need not be there.
void split_results(const std::filesystem::path& whole, const std::filesystem::path& file, const study& what,
                   const shard& part);

/// SHA-256 over all figures, 64 hexadecimal digits: the same whoever ran the points, and in which order.
std::string result_hash(const study& what, const std::vector<stored_point>& points);

/// "setting,seed,<sweeps...>,metric,value" by setting, seed and name; numbers as short as they read back.
std::string csv_of(const study& what, const std::vector<stored_point>& points);

}  // namespace vtwin::scenario::study
