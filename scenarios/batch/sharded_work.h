// The seam between a batch system and what it runs: work that falls into parts, each with a store of its own,
// and the store into which they are merged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/batch/job_script.h"
#include "scenarios/batch/shard.h"

namespace vtwin::scenario {

class sharded_work_if {
  public:
    struct count {
        std::uint64_t finished = 0, planned = 0;
        bool complete() const { return finished >= planned; }
    };

    virtual ~sharded_work_if() = default;
    virtual std::string name() const = 0;
    virtual const char* unit() const = 0;                         ///< what is counted: "runs"
    virtual std::filesystem::path out() const = 0;                ///< absolute; what the merge writes
    virtual std::uint64_t missing() const = 0;                    ///< what `out` has no result for yet
    virtual std::string resume_command() const = 0;               ///< what the user calls to go on
    virtual std::string part_name(std::uint64_t part) const = 0;  ///< within the folder of the parts

    /// Makes every part in a folder that is empty, each with the results that `out` has of it.
    virtual void split(const std::filesystem::path& folder, std::uint64_t parts) = 0;
    /// Throws user_error when the part's results cannot be put beside those of `out`.
    virtual void check_part(const std::filesystem::path& folder, const shard& part) const = 0;
    /// Looks into a part that another program may be writing, on another machine maybe; nothing when it
    /// cannot be seen just now.
    virtual std::optional<count> count_of(const std::filesystem::path& folder, const shard& part) const = 0;

    /// The command, run in the folder of the parts, that runs what a part does not have yet.
    virtual std::vector<task_word> task(std::uint64_t parts, unsigned jobs) const = 0;
    /// The command, run in the folder of the parts, that puts complete parts into `out` and refuses others.
    virtual std::vector<std::string> merge(std::uint64_t parts) const = 0;
};

}  // namespace vtwin::scenario
