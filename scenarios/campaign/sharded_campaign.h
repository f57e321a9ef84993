// A campaign's store as work for a batch system.
#pragma once

#include "scenarios/batch/sharded_work.h"
#include "scenarios/campaign/store.h"

namespace vtwin::scenario {

class sharded_campaign : public sharded_work_if {
  public:
    /// `store` must be there and stand for the whole campaign. `program` is vtwin, as every node finds it.
    /// Throws user_error.
    sharded_campaign(const std::filesystem::path& store, std::filesystem::path program);

    std::string name() const override { return m_header.name; }
    const char* unit() const override { return "runs"; }
    std::filesystem::path out() const override { return m_store; }
    std::uint64_t missing() const override;
    std::string resume_command() const override;
    std::string part_name(std::uint64_t part) const override;
    void split(const std::filesystem::path& folder, std::uint64_t parts) override;
    void check_part(const std::filesystem::path& folder, const shard& part) const override;
    std::optional<count> count_of(const std::filesystem::path& folder, const shard& part) const override;
    std::vector<task_word> task(std::uint64_t parts, unsigned jobs) const override;
    std::vector<std::string> merge(std::uint64_t parts) const override;

  private:
    std::filesystem::path m_store, m_program;
    store_header m_header;
};

}  // namespace vtwin::scenario
