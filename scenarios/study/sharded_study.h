// A study as work for a batch system.
#pragma once

#include "scenarios/batch/sharded_work.h"
#include "scenarios/study/study.h"

namespace vtwin::scenario::study {

class sharded_study : public sharded_work_if {
  public:
    /// `file` as read_study took it; `out` is the directory of the results. `program` is vtwin, as every node
    /// finds it.
    sharded_study(const study& what, const std::string& file, const std::filesystem::path& out,
                  std::filesystem::path program);

    std::string name() const override { return m_study.name; }
    const char* unit() const override { return "points"; }
    std::filesystem::path out() const override { return m_out; }
    std::uint64_t missing() const override;
    std::string resume_command() const override;
    std::string part_name(std::uint64_t part) const override;
    void split(const std::filesystem::path& folder, std::uint64_t parts) override;
    void check_part(const std::filesystem::path& folder, const shard& part) const override;
    std::optional<count> count_of(const std::filesystem::path& folder, const shard& part) const override;
    std::vector<task_word> task(std::uint64_t parts, unsigned jobs) const override;
    std::vector<std::string> merge(std::uint64_t parts) const override;

  private:
    const study& m_study;
    std::string m_file;  ///< absolute, or a name of the library
    std::filesystem::path m_out, m_program;
};

}  // namespace vtwin::scenario::study
