// The directory that a run leaves behind: complete, or marked incomplete, or not there at all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace vtwin::scenario {

/// Name of the file that marks a directory whose run did not end well.
inline constexpr std::string_view incomplete_mark = "INCOMPLETE";

/// Collects the files of a run beside its place, in DIR.tmp, and moves them there at once.
/// Every function throws user_error (exit code 2) when the file system refuses.
class output_directory {
  public:
    /// Creates DIR.tmp (an old one of a killed run is removed). DIR may exist when an earlier run left it: it
    /// must hold a result.json or the mark, or be empty; other people's folders are not replaced.
    explicit output_directory(std::filesystem::path final_place);
    /// Removes DIR.tmp when neither `commit` nor `keep_incomplete` was called.
    ~output_directory();
    output_directory(const output_directory&) = delete;
    output_directory& operator=(const output_directory&) = delete;

    const std::filesystem::path& working_place() const { return m_working; }
    const std::filesystem::path& final_place() const { return m_final; }

    /// Writes one file, creating folders below the directory. Full disks are noticed here.
    void write(const std::string& relative_path, std::string_view content);
    /// Relative paths of all files so far, sorted.
    std::vector<std::string> files() const;
    /// DIR.tmp becomes DIR, in place of what an earlier run left there.
    void commit();
    /// As commit, with a mark that says why the directory is not complete.
    void keep_incomplete(const std::string& reason);

  private:
    std::filesystem::path m_final, m_working;
    bool m_moved = false;
};

}  // namespace vtwin::scenario
