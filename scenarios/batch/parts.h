// The folder in which work lies while a batch system runs it: the parts, the scripts and logs of their tasks,
// and which jobs were submitted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/batch/sharded_work.h"

namespace vtwin::scenario {

struct submitted_jobs {
    std::optional<std::uint64_t> array;  ///< none when only the merge was left
    std::optional<std::uint64_t> merge;  ///< none when whoever submitted was ended before
    std::vector<std::uint64_t> all() const;
};

class parts {
  public:
    /// Looks for parts; makes nothing yet. Throws user_error when something else lies in their folder.
    explicit parts(sharded_work_if& work);

    /// "<out>.parts"
    static std::filesystem::path folder_of(const std::filesystem::path& out);
    /// Removes the folder with all that is in it. Throws user_error when something else lies there.
    static void remove(const std::filesystem::path& out);
    static std::optional<submitted_jobs> remembered_in(const std::filesystem::path& folder);

    const std::filesystem::path& folder() const { return m_folder; }
    bool exist() const { return m_count != 0; }
    std::uint64_t count() const { return m_count; }
    /// All parts appear at once. Throws user_error when the folder cannot be made.
    void make(std::uint64_t count);
    /// Throws user_error when one is of other work.
    void check() const;

    /// Parts that have runs left to do.
    std::vector<std::uint64_t> incomplete() const;
    /// Over all parts; one that cannot be seen just now counts with what was last seen of it.
    std::uint64_t finished();
    std::uint64_t planned();
    std::optional<sharded_work_if::count> count_of(std::uint64_t part) const;

    std::filesystem::path log_of(std::uint64_t part) const;
    std::filesystem::path merge_log() const;
    /// Scripts for the tasks and for the merge; give their paths.
    std::filesystem::path write_task_script(unsigned jobs) const;
    std::filesystem::path write_merge_script() const;

    void remember(const submitted_jobs& jobs) const;

  private:
    sharded_work_if& m_work;
    std::filesystem::path m_folder;
    std::uint64_t m_count = 0;
    std::vector<sharded_work_if::count> m_seen;  ///< last, per part
    void look();
};

}  // namespace vtwin::scenario
