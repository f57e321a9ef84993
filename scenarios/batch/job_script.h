// Texts for batch systems: scripts whose words arrive as they are, whatever characters they hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vtwin::scenario {

/// A word of a task's command: `before`, then the number of the task if `numbered`, then `after`.
struct task_word {
    std::string before;
    bool numbered = false;
    std::string after = {};
};

/// The word as a POSIX shell must see it: in single quotes.
std::string shell_word(const std::string& text);

/// A script for sh that runs the command in `folder`; its output goes to the end of `log` there. Exit code 1
/// becomes 0: the results are there, and something in them is not as expected, which is for the report. 78
/// when the node does not see the folder.
/// SLURM_ARRAY_TASK_ID is the number of the task.
std::string job_script(const std::string& folder, const task_word& log,
                       const std::vector<task_word>& command);

/// "0-3,7" for 0, 1, 2, 3, 7; ascending numbers.
std::string number_ranges(const std::vector<std::uint64_t>& numbers);

}  // namespace vtwin::scenario
