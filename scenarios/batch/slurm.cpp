#include "scenarios/batch/slurm.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

#include "scenarios/batch/job_script.h"
#include "scenarios/faults/matcher.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        if (!line.empty())
            all.push_back(line);
    return all;
}

/// At most `most` columns; the last one takes the rest.
std::vector<std::string> columns_of(const std::string& line, std::size_t most) {
    std::vector<std::string> all;
    std::size_t start = 0;
    while (all.size() + 1 < most) {
        const auto bar = line.find('|', start);
        if (bar == std::string::npos)
            break;
        all.push_back(line.substr(start, bar - start));
        start = bar + 1;
    }
    all.push_back(line.substr(start));
    return all;
}

/// What a command of Slurm complains of, in one line.
std::string complaint(const command_result& of) {
    std::string text;
    for (const auto& line : lines_of(of.err))
        text += (text.empty() ? "" : "; ") + line;
    return text.empty() ? fmt::format("it ends with code {}", of.code) : text;
}

/// Variables that stand for options of Slurm's commands: none may ask another question than ours, or ask
/// another cluster.
bool harmless(std::string_view variable) {
    for (const char* prefix : {"SQUEUE_", "SCANCEL_", "SINFO_"})
        if (variable.starts_with(prefix))
            return false;
    return variable != "SBATCH_ARRAY_INX" && variable != "SBATCH_WAIT" && !variable.ends_with("_CLUSTERS");
}

command_result asked(const std::vector<std::string>& words) {
    auto answer = run_command(words, harmless);
    if (!answer.found)
        throw user_error({"--engine slurm", 0}, "",
                         fmt::format("{} cannot be started ({}): is Slurm installed here, and in PATH?",
                                     words.front(), answer.err));
    return answer;
}

/// "allocated/idle/other/total"
std::uint64_t idle_of(const std::string& processors) {
    const auto first = processors.find('/');
    const auto second = first == std::string::npos ? first : processors.find('/', first + 1);
    if (second == std::string::npos)
        return 0;
    return parse_number(processors.substr(first + 1, second - first - 1)).value_or(0);
}

}  // namespace

bool slurm_job::live() const {
    constexpr std::array over = {"BOOT_FAIL", "CANCELLED",     "COMPLETED", "DEADLINE", "FAILED",
                                 "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",  "TIMEOUT"};
    return std::ranges::none_of(over, [this](const char* each) { return state == each; });
}

bool slurm_job::failed() const {
    return !live() && state != "COMPLETED";
}

std::vector<std::string> sbatch_words(const slurm_submission& what) {
    std::vector<std::string> words = {"sbatch", "--parsable", "--job-name=" + what.name};
    if (!what.partition.empty())
        words.push_back("--partition=" + what.partition);
    words.insert(words.end(), what.more.begin(), what.more.end());
    words.push_back("--ntasks=1");
    words.push_back(fmt::format("--cpus-per-task={}", what.processors));
    // The script goes to its folder and opens its log itself: in names that Slurm opens, '%' and '\' have a
    // meaning.
    words.insert(words.end(), {"--chdir=/", "--output=/dev/null", "--error=/dev/null"});
    if (!what.tasks.empty())
        words.push_back("--array=" + number_ranges(what.tasks));
    if (what.after)
        words.push_back(fmt::format("--dependency=afterany:{}", *what.after));
    words.push_back(what.script.string());
    return words;
}

std::string check_slurm_option(const std::string& text) {
    std::string option = text.starts_with('-') ? text : "--" + text;
    const auto name = option.substr(0, option.starts_with("--") ? option.find('=') : 2);
    constexpr std::array ours = {
        "--array",     "-a",           "--chdir",     "-D",      "--clusters", "-M",     "--cpus-per-task",
        "-c",          "--dependency", "-d",          "--error", "-e",         "--help", "-h",
        "--job-name",  "-J",           "--ntasks",    "-n",      "--output",   "-o",     "--parsable",
        "--partition", "-p",           "--test-only", "--wait",  "-W",         "--wrap"};
    if (name.size() < 2 || name == "--")
        throw user_error({"--slurm-option", 0}, "",
                         "expected an option of sbatch, as in --slurm-option=time=2:00:00");
    const bool is_long = name.starts_with("--");  // sbatch takes their beginnings too
    const auto own = std::ranges::find_if(
        ours, [&](std::string_view each) { return is_long ? each.starts_with(name) : each == name; });
    if (own != ours.end())
        throw user_error(
            {"--slurm-option", 0}, "",
            fmt::format("'{}' is set by vtwin itself{}", name,
                        name == "-p" || (is_long && std::string_view("--partition").starts_with(name))
                            ? ": --partition names it"
                            : ""));
    return option;
}

void check_slurm() {
    const auto there = asked({"sbatch", "--version"});
    if (there.code != 0)
        throw user_error({"--engine slurm", 0}, "", "sbatch does not work: " + complaint(there));
    const auto answer = asked({"scontrol", "ping"});
    if (answer.out.find(" is UP") == std::string::npos)
        throw user_error({"--engine slurm", 0}, "",
                         "no controller of Slurm (slurmctld) answers: " +
                             (answer.out.empty() ? complaint(answer) : lines_of(answer.out).front()));
}

std::vector<slurm_partition> slurm_partitions() {
    const auto answer = asked({"sinfo", "--noheader", "--format=%a|%C|%P"});
    if (!answer.ok())
        throw user_error({"--engine slurm", 0}, "", "sinfo does not work: " + complaint(answer));
    std::vector<slurm_partition> all;
    for (const auto& line : lines_of(answer.out)) {
        const auto columns = columns_of(line, 3);
        if (columns.size() != 3)
            continue;
        slurm_partition each{columns[2], columns[2].ends_with('*'), columns[0] == "up", idle_of(columns[1])};
        if (each.standard)
            each.name.pop_back();
        const auto same = std::ranges::find(all, each.name, &slurm_partition::name);
        if (same == all.end())
            all.push_back(each);
        else
            same->idle += each.idle;
    }
    return all;
}

slurm_partition find_slurm_partition(const std::string& name) {
    std::vector<std::string> names;
    std::string listed;
    for (const auto& each : slurm_partitions()) {
        if (name.empty() ? each.standard : each.name == name) {
            if (!each.up)
                throw user_error({"--partition", 0}, "", fmt::format("'{}' takes no jobs now", each.name));
            return each;
        }
        names.push_back(each.name);
        listed += (listed.empty() ? "" : ", ") + each.name;
    }
    if (name.empty())
        throw user_error({"--partition", 0}, "",
                         "needed: no partition is the standard one; there are " + listed);
    throw user_error({"--partition", 0}, "",
                     fmt::format("no partition '{}'{}; there are {}", name, suggestion(name, names), listed));
}

std::uint64_t submit(const slurm_submission& what) {
    const auto answer = asked(sbatch_words(what));
    const auto id = parse_number(answer.out.substr(0, answer.out.find_first_of(";\n")));
    if (!answer.ok() || !id)
        throw user_error({"--engine slurm", 0}, "", "sbatch takes no job: " + complaint(answer));
    return *id;
}

std::optional<std::vector<slurm_job>> jobs_of(const std::vector<std::uint64_t>& ids) {
    // By user and not by number: of a number that it has forgotten, squeue only complains.
    const auto answer = asked({"squeue", "--noheader", "--all", "--array", "--states=all",
                               fmt::format("--user={}", ::getuid()), "--format=%F|%K|%T|%N|%r|%j"});
    if (!answer.ok())
        return std::nullopt;
    std::vector<slurm_job> all;
    for (const auto& line : lines_of(answer.out)) {
        const auto columns = columns_of(line, 6);
        const auto id = parse_number(columns[0]);
        if (columns.size() == 6 && id && std::ranges::find(ids, *id) != ids.end())
            all.push_back({*id, parse_number(columns[1]), columns[2], columns[3], columns[4], columns[5]});
    }
    return all;
}

bool cancel(const std::vector<std::uint64_t>& ids) {
    std::vector<std::string> words = {"scancel"};
    for (const auto id : ids)
        words.push_back(std::to_string(id));
    return asked(words).ok();
}

}  // namespace vtwin::scenario
