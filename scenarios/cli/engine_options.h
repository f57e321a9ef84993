// `--engine local|slurm` and what goes with it, for every command that runs much.
#pragma once

#include <CLI/App.hpp>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "scenarios/batch/slurm_engine.h"

namespace vtwin::scenario {

class engine_options {
  public:
    /// Adds the options to a command; to several, when they mean the same in each.
    void add_to(CLI::App& command);

    bool slurm() const { return m_engine == "slurm"; }
    /// Throws user_error: an option of Slurm's without Slurm.
    void check() const;
    /// `jobs`: processors and processes of a task; 0 for one.
    slurm_options for_slurm(unsigned jobs) const;

  private:
    std::string m_engine = "local";
    std::uint64_t m_shards = 0;
    std::string m_partition;
    std::vector<std::string> m_more;
    bool m_no_wait = false, m_cancel = false;
};

/// Runs the work by Slurm; progress goes to `err`. The exit code when there is no result to show yet: 0 when
/// jobs were only submitted, 130 when the user did not want to wait any longer; nothing when all is done.
/// Throws user_error.
std::optional<int> run_until_merged(sharded_work_if& work, const slurm_options& options, std::ostream& out,
                                    std::ostream& err);

/// This program, as other processes and machines find it.
std::filesystem::path own_program();

}  // namespace vtwin::scenario
