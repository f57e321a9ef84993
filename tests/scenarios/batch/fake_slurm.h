// Slurm's commands as small scripts in PATH: what they are called with is noted, tasks run at once, and what
// they answer lies in files.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "tests/scenarios/support.h"

namespace vtwin::scenario::test {

/// Of a command.
using words = std::vector<std::string>;

/// For this process and those that it starts; files in `path()`:
///   calls         one line per word of every call, then "--"
///   queue         what squeue answers: columns as --format=%F|%K|%T|%N|%r|%j gives them
///   skip.<task>   that task fails without having started
///   refuse.<id>   sbatch refuses the job that would get this number; the first one is 101
///   hold          jobs wait
///   broken        commands named there fail
class fake_slurm : public temporary_directory {
  public:
    fake_slurm() {
        const std::string head =
            "#!/bin/sh\ncd '" + path().string() +
            "' || exit 9\nname=${0##*/}\n"
            "printf '%s\\n' \"$name\" \"$@\" -- >>calls\n"
            "grep -qx \"$name\" broken 2>/dev/null && { echo \"$name: it hurts\" >&2; exit 1; }\n";
        command("sbatch", head + sbatch);
        command("squeue", head + "cat queue 2>/dev/null; exit 0\n");
        command("scancel", head + "exit 0\n");
        command("scontrol", head + "echo 'Slurmctld(primary) at host is UP'\n");
        command("sinfo", head + "printf 'up|2/5/0/8|small*\\nup|0/1/0/8|small*\\ndown|0/0/8/8|night\\n'\n");
        const auto before = std::getenv("PATH");
        ::setenv("PATH", (path().string() + "/bin:" + (before == nullptr ? "" : before)).c_str(), 1);
    }

    void command(const std::string& name, const std::string& text) const {
        ::chmod(write("bin/" + name, text).c_str(), 0755);
    }
    void remove(const std::string& name) const { std::filesystem::remove(path() / name); }

    /// The words of every call of a command.
    std::vector<words> calls(const std::string& name) const {
        std::vector<words> all;
        std::istringstream in(content_of(path() / "calls"));
        words call;
        for (std::string word; std::getline(in, word);)
            if (word != "--") {
                call.push_back(word);
            } else {
                if (call.front() == name)
                    all.push_back(call);
                call.clear();
            }
        return all;
    }

  private:
    static constexpr const char* sbatch = R"(test "$1" = --version && exit 0
id=$(($(cat last 2>/dev/null || echo 100) + 1))
echo $id >last
test -e refuse.$id && { echo 'sbatch: error: no more jobs' >&2; exit 1; }
for word in "$@"; do
    case $word in
    --array=*) tasks=$(echo "${word#--array=}" | tr , '\n' | while IFS=- read -r a b; do seq "$a" "${b:-$a}"; done) ;;
    --job-name=*) job=${word#--job-name=} ;;
    esac
    script=$word
done
export SLURM_JOB_ID=$id
if test -e hold; then
    echo "$id|N/A|PENDING||Resources|$job" >>queue
elif test -n "$tasks"; then
    for SLURM_ARRAY_TASK_ID in $tasks; do
        export SLURM_ARRAY_TASK_ID
        state=FAILED
        test -e skip.$SLURM_ARRAY_TASK_ID || { sh "$script" && state=COMPLETED; }
        echo "$id|$SLURM_ARRAY_TASK_ID|$state|node7|None|$job" >>queue
    done
else
    state=FAILED
    sh "$script" && state=COMPLETED
    echo "$id|N/A|$state|node7|None|$job" >>queue
fi
echo $id
)";
};

}  // namespace vtwin::scenario::test
