#include "scenarios/cli/engine_options.h"

#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>

#include "scenarios/batch/slurm.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {

void engine_options::add_to(CLI::App& command) {
    command
        .add_option("--engine", m_engine,
                    "local: here; slurm: as a job array, and a job that merges its parts. The directory of "
                    "the output must be on a file system that all nodes see")
        ->check(CLI::IsMember({"local", "slurm"}));
    command
        .add_option("--shards", m_shards,
                    "slurm: tasks (default: idle processors of the partition over --jobs, or 16 when none is "
                    "idle)")
        ->check(CLI::Range(std::uint64_t{1}, most_shards));
    command.add_option("--partition", m_partition, "slurm: where the jobs go (default: Slurm's)");
    command
        .add_option("--slurm-option", m_more,
                    "slurm: a further option for sbatch, as time=2:00:00; repeatable")
        ->allow_extra_args(false);
    command.add_flag("--no-wait", m_no_wait, "slurm: return when the jobs are submitted");
    command.add_flag("--cancel-on-interrupt", m_cancel,
                     "slurm: an interrupt while waiting cancels the jobs; without this they go on");
}

void engine_options::check() const {
    if (!slurm() && (m_shards != 0 || !m_partition.empty() || !m_more.empty() || m_no_wait || m_cancel))
        throw user_error({"--engine local", 0}, "",
                         "--shards, --partition, --slurm-option, --no-wait and --cancel-on-interrupt need "
                         "--engine slurm");
}

slurm_options engine_options::for_slurm(unsigned jobs) const {
    slurm_options made;
    made.shards = m_shards;
    made.jobs = std::max(jobs, 1U);
    made.partition = m_partition;
    for (const auto& each : m_more)
        made.more.push_back(check_slurm_option(each));
    made.wait = !m_no_wait;
    made.cancel_on_interrupt = m_cancel;
    return made;
}

std::optional<int> run_until_merged(sharded_work_if& work, const slurm_options& options, std::ostream& out,
                                    std::ostream& err) {
    switch (run_by_slurm(work, options, out, err, ::isatty(STDERR_FILENO) != 0)) {
        case slurm_end::merged:
            return std::nullopt;
        case slurm_end::submitted:
            return 0;
        case slurm_end::interrupted:
            break;
    }
    constexpr int ended_by_interrupt = 130;
    return ended_by_interrupt;
}

std::filesystem::path own_program() {
    return std::filesystem::read_symlink("/proc/self/exe");
}

}  // namespace vtwin::scenario
