// Work in parts as a job array of Slurm, and a job that merges the parts when all tasks have ended.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "scenarios/batch/sharded_work.h"

namespace vtwin::scenario {

struct slurm_options {
    std::uint64_t shards = 0;          ///< 0: as many as the partition has idle processors for
    unsigned jobs = 1;                 ///< processors and processes of a task
    std::string partition;             ///< "": the standard one
    std::vector<std::string> more;     ///< for sbatch, see check_slurm_option
    bool wait = true;                  ///< until the merge is done
    bool cancel_on_interrupt = false;  ///< else jobs go on when the waiting is interrupted
};

inline constexpr std::uint64_t most_shards = 1000;  ///< tasks of an array as Slurm comes: MaxArraySize 1001
inline constexpr std::uint64_t usual_shards = 16;   ///< when no processor is idle

/// How it ended, unless an error ended it.
enum class slurm_end : std::uint8_t {
    merged,       ///< everything is in `out`
    submitted,    ///< and not waited for
    interrupted,  ///< the user did not want to wait any longer
};

/// Runs what `out` does not have yet. Parts, scripts, logs and the numbers of the jobs lie in the folder
/// <out>.parts; parts that are there go on, and jobs that still live are waited for, not submitted again.
/// Throws user_error: Slurm is not there, the partition is unknown, parts are of other work, or tasks have
/// failed, each with its log.
slurm_end run_by_slurm(sharded_work_if& work, const slurm_options& options, std::ostream& out,
                       std::ostream& err, bool on_terminal);

/// Throws user_error: Slurm is not there, or the partition is unknown.
void check_slurm_ready(const slurm_options& options);

/// Removes the folder of the parts of `out`, if there is one; for work that starts again. Throws user_error
/// when it holds something else, when jobs still write there, or when squeue does not tell.
void remove_parts(const std::filesystem::path& out);

}  // namespace vtwin::scenario
