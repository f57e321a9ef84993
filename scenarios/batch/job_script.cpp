#include "scenarios/batch/job_script.h"

#include <fmt/format.h>

namespace vtwin::scenario {
namespace {

std::string quoted(const task_word& word) {
    if (!word.numbered)
        return shell_word(word.before + word.after);
    std::string text;
    if (!word.before.empty())
        text += shell_word(word.before);
    text += "\"$SLURM_ARRAY_TASK_ID\"";
    if (!word.after.empty())
        text += shell_word(word.after);
    return text;
}

}  // namespace

std::string shell_word(const std::string& text) {
    std::string made = "'";
    for (const char c : text)
        if (c == '\'')
            made += "'\\''";
        else
            made += c;
    made += '\'';
    return made;
}

std::string job_script(const std::string& folder, const task_word& log,
                       const std::vector<task_word>& command) {
    std::string line;
    for (const auto& word : command)
        line.append(line.empty() ? "" : " ").append(quoted(word));
    return fmt::format(
        "#!/bin/sh\n"
        "cd -- {} || exit 78\n"
        "exec >>{} 2>&1\n"
        "echo \"job $SLURM_JOB_ID on $(hostname)\"\n"
        "{}\n"
        "code=$?\n"
        "test \"$code\" -eq 1 && code=0  # the results are there; what is wrong in them is in the report\n"
        "exit \"$code\"\n",
        shell_word(folder), quoted(log), line);
}

std::string number_ranges(const std::vector<std::uint64_t>& numbers) {
    std::string text;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t last = i;
        while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1)
            ++last;
        text += fmt::format("{}{}", text.empty() ? "" : ",", numbers[i]);
        if (last != i)
            text += fmt::format("-{}", numbers[last]);
        i = last + 1;
    }
    return text;
}

}  // namespace vtwin::scenario
