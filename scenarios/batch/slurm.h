// What we ask of Slurm, through its own commands, found in PATH and run without a shell.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/batch/command.h"

namespace vtwin::scenario {

struct slurm_partition {
    std::string name;
    bool standard = false;   ///< jobs go there when they name none
    bool up = false;         ///< takes jobs
    std::uint64_t idle = 0;  ///< processors
};

struct slurm_submission {
    std::filesystem::path script;
    std::string name, partition;
    unsigned processors = 1;             ///< per task
    std::vector<std::uint64_t> tasks;    ///< numbers of an array's tasks; empty: one job
    std::optional<std::uint64_t> after;  ///< starts when this job has ended, however that was
    std::vector<std::string> more;       ///< further options for sbatch, as check_slurm_option gave them
};

/// A job, or a task of an array, as squeue shows it. Slurm forgets jobs some minutes after their end.
struct slurm_job {
    std::uint64_t id = 0;               ///< of the array for tasks
    std::optional<std::uint64_t> task;  ///< number in the array
    std::string state, node, reason, name;
    /// Waits or runs.
    bool live() const;
    bool failed() const;
};

/// sbatch's arguments.
std::vector<std::string> sbatch_words(const slurm_submission& what);
/// "time=10" or "--time=10" as an argument for sbatch. Throws user_error for options that would change where
/// tasks, their order or their output go.
std::string check_slurm_option(const std::string& text);

/// Throws user_error unless Slurm's commands are there and a controller answers.
void check_slurm();
std::vector<slurm_partition> slurm_partitions();
/// The named one, or the standard one for "". Throws user_error with the nearest name.
slurm_partition find_slurm_partition(const std::string& name);
/// Gives the job's number. Throws user_error with what sbatch says.
std::uint64_t submit(const slurm_submission& what);
/// Those of the user's jobs that have one of these numbers; nothing when squeue cannot tell now.
std::optional<std::vector<slurm_job>> jobs_of(const std::vector<std::uint64_t>& ids);
/// Ends jobs; false when Slurm refuses.
bool cancel(const std::vector<std::uint64_t>& ids);

}  // namespace vtwin::scenario
