#include "scenarios/batch/slurm_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "scenarios/batch/interruption.h"
#include "scenarios/batch/parts.h"
#include "scenarios/batch/slurm.h"
#include "scenarios/campaign/database.h"
#include "scenarios/campaign/progress.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// How often Slurm is asked: soon at first, seldom later, since its controller answers everybody.
constexpr auto first_pause = 200ms, longest_pause = 5000ms;
constexpr int most_silences = 60;    ///< answers of squeue that may fail one after the other
constexpr int looks_for_merge = 12;  ///< longest pauses until another machine's file must be seen here

constexpr const char* name_prefix = "vtwin ";

std::string job_name(const sharded_work_if& work) {
    return name_prefix + work.name();
}

std::string in_words(const slurm_job& job) {
    return job.state + (job.reason.empty() || job.reason == "None" ? "" : " (" + job.reason + ')') +
           (job.node.empty() ? "" : " on " + job.node);
}

std::string last_line(const fs::path& file) {
    std::ifstream in(file);
    std::string last;
    for (std::string line; std::getline(in, line);)
        if (!line.empty())
            last = line;
    return last;
}

std::string numbers(const submitted_jobs& jobs) {
    std::string text;
    for (const auto id : jobs.all())
        text += fmt::format("{}{}", text.empty() ? "" : " ", id);
    return text;
}

/// Nothing when there is no squeue, too.
std::optional<std::vector<slurm_job>> jobs_if_told(const submitted_jobs& jobs) {
    try {
        return jobs_of(jobs.all());
    } catch (const user_error&) {
        return std::nullopt;
    }
}

class slurm_run {
  public:
    slurm_run(sharded_work_if& work, const slurm_options& options, std::ostream& out, std::ostream& err,
              bool on_terminal)
        : m_work(work), m_options(options), m_out(out), m_err(err), m_terminal(on_terminal), m_parts(work) {}

    slurm_end run() {
        if (m_work.missing() == 0)
            return slurm_end::merged;
        check_slurm();
        prepare(find_slurm_partition(m_options.partition));
        m_before = m_parts.finished();
        interruption stop;  // not between two jobs: an array without its merge would be left
        submit_what_is_not_there();
        if (!m_options.wait)
            return slurm_end::submitted;
        return wait(stop);
    }

  private:
    void prepare(const slurm_partition& partition) {
        if (!m_parts.exist()) {
            const auto some = partition.idle / m_options.jobs;
            const auto wanted = m_options.shards != 0 ? m_options.shards
                                : some != 0           ? std::min(some, most_shards)
                                                      : usual_shards;
            m_parts.make(std::min(wanted, m_work.missing()));
            return;
        }
        if (m_options.shards != 0 && m_options.shards != m_parts.count())
            throw user_error({m_parts.folder().string(), 0}, "",
                             fmt::format("holds {} parts; --shards {} would need others", m_parts.count(),
                                         m_options.shards));
        m_parts.check();
    }

    /// The user's jobs among those that were submitted; numbers of another Slurm's jobs do not count.
    std::optional<std::vector<slurm_job>> ours() const {
        auto jobs = jobs_of(m_jobs.all());
        if (jobs)
            std::erase_if(*jobs, [this](const slurm_job& each) { return each.name != job_name(m_work); });
        return jobs;
    }

    void submit_what_is_not_there() {
        const writer_lock alone(m_parts.folder() / "jobs");  // or two would find nothing and both submit
        const bool there = still_there();
        if (there && m_jobs.merge)
            return;
        const auto before = there ? m_jobs : submitted_jobs();
        try {
            if (!there)
                submit_tasks();
            submit_merge();
        } catch (const user_error&) {
            auto mine = m_jobs;
            if (before.array)
                mine.array.reset();
            give_up(mine);
            throw;
        }
    }

    /// Cancels what was submitted just now; why it must be is told, not what Slurm says to this.
    static void give_up(const submitted_jobs& jobs) {
        if (jobs.all().empty())
            return;
        try {
            cancel(jobs.all());
        } catch (const user_error&) {  // no scancel
            return;
        }
    }

    bool still_there() {
        const auto before = parts::remembered_in(m_parts.folder());
        if (!before)
            return false;
        m_jobs = *before;
        const auto jobs = ours();
        if (!jobs)
            throw user_error({"--engine slurm", 0}, "", "squeue does not tell which jobs there are");
        if (std::ranges::none_of(*jobs, &slurm_job::live))
            return false;
        m_out << fmt::format("job{} there already\n", (m_jobs.all().size() == 1 ? " " : "s ") +
                                                          numbers(m_jobs) +
                                                          (m_jobs.all().size() == 1 ? " is" : " are"))
              << std::flush;
        return true;
    }

    slurm_submission job(const fs::path& script) const {
        slurm_submission made;
        made.script = script;
        made.name = job_name(m_work);
        made.partition = m_options.partition;
        made.more = m_options.more;
        return made;
    }

    /// Every number is remembered at once: whatever ends us, nothing is submitted twice.
    void submit_tasks() {
        m_jobs = {};
        const auto tasks = m_parts.incomplete();
        if (tasks.empty())
            return;
        auto array = job(m_parts.write_task_script(m_options.jobs));
        array.processors = m_options.jobs;
        array.tasks = tasks;
        m_jobs.array = submit(array);
        m_parts.remember(m_jobs);
        m_out << fmt::format("job {}: {} of {} parts, {} processor{} each\n", *m_jobs.array, tasks.size(),
                             m_parts.count(), m_options.jobs, m_options.jobs == 1 ? "" : "s")
              << std::flush;
    }

    void submit_merge() {
        auto merge = job(m_parts.write_merge_script());
        merge.after = m_jobs.array;
        m_jobs.merge = submit(merge);
        m_parts.remember(m_jobs);
        m_out << fmt::format("job {}: merges them into {}\n", *m_jobs.merge, m_work.out().string())
              << std::flush;
    }

    slurm_end wait(interruption& stop) {
        {
            progress shown(m_err, m_terminal, m_parts.planned() - m_before, std::chrono::steady_clock::now,
                           m_work.unit());
            for (auto pause = first_pause;; pause = std::min(pause * 6 / 5, longest_pause)) {
                const auto jobs = look();
                shown.reach(m_parts.finished() - m_before, jobs ? summary(*jobs) : "squeue does not answer");
                if (jobs)
                    tell_failures(*jobs, shown);
                if (jobs && std::ranges::none_of(*jobs, &slurm_job::live))
                    break;
                if (stop.wait(pause) != 0)
                    return interrupted(shown);
            }
        }
        for (int i = 0; i < looks_for_merge && merge_done() && m_work.missing() != 0; ++i)
            if (stop.wait(longest_pause) != 0)
                break;
        if (m_work.missing() != 0)
            complain();
        return slurm_end::merged;
    }

    std::optional<std::vector<slurm_job>> look() {
        auto jobs = ours();
        m_silences = jobs ? 0 : m_silences + 1;
        if (m_silences > most_silences)
            throw user_error(
                {"--engine slurm", 0}, "",
                fmt::format("squeue does not answer any more; jobs {} may go on; `{}` looks again",
                            numbers(m_jobs), m_work.resume_command()));
        if (!jobs)
            return jobs;
        for (const auto& each : *jobs)
            m_last[key(each)] = each;
        return jobs;
    }

    static std::string summary(const std::vector<slurm_job>& jobs) {
        std::uint64_t running = 0, waiting = 0;
        std::string why;
        for (const auto& each : jobs) {
            running += each.live() && each.state != "PENDING" ? 1 : 0;
            waiting += each.state == "PENDING" && each.task ? 1 : 0;
            if (each.state == "PENDING" && each.task && each.reason != "None")
                why = each.reason;
        }
        auto text = fmt::format("{} running", running);
        if (waiting != 0)
            text += fmt::format(", {} waiting{}", waiting, why.empty() ? "" : " (" + why + ')');
        return text;
    }

    void tell_failures(const std::vector<slurm_job>& jobs, progress& shown) {
        for (const auto& each : jobs)
            if (each.task && each.failed() && m_told.insert(*each.task).second)
                shown.say(fmt::format("task {} of job {}: {}; log: {}", *each.task, each.id, in_words(each),
                                      m_parts.log_of(*each.task).string()));
    }

    slurm_end interrupted(progress& shown) {
        if (m_options.cancel_on_interrupt) {
            const bool done = cancel(m_jobs.all());
            shown.say(fmt::format("jobs {} are{} cancelled; `{}` goes on", numbers(m_jobs),
                                  done ? "" : " NOT", m_work.resume_command()));
        } else {
            shown.say(fmt::format("jobs {} go on; `{}` waits for them again, `scancel {}` ends them",
                                  numbers(m_jobs), m_work.resume_command(), numbers(m_jobs)));
        }
        return slurm_end::interrupted;
    }

    bool merge_done() const {
        const auto found = m_last.find({m_jobs.merge.value_or(0), std::nullopt});
        return found != m_last.end() && found->second.state == "COMPLETED";
    }

    [[noreturn]] void complain() const {
        std::vector<problem> all;
        const auto add = [&](const fs::path& file, std::string text) {
            auto& each = all.emplace_back();
            each.where.file = file.string();
            each.text = std::move(text);
        };
        for (const auto part : m_parts.incomplete())
            add(m_parts.log_of(part),
                fmt::format("task {}{} did not finish its part{}", part,
                            m_jobs.array ? fmt::format(" of job {}", *m_jobs.array) : "",
                            reason(m_jobs.array.value_or(0), part, m_parts.log_of(part))));
        if (all.empty())
            add(m_parts.merge_log(),
                fmt::format("job {} did not merge the parts{}", m_jobs.merge.value_or(0),
                            reason(m_jobs.merge.value_or(0), std::nullopt, m_parts.merge_log())));
        add(m_work.out(), fmt::format("not finished; `{}` runs what is missing", m_work.resume_command()));
        throw user_error(std::move(all));
    }

    std::string reason(std::uint64_t job, std::optional<std::uint64_t> task, const fs::path& log) const {
        const auto found = m_last.find({job, task});
        std::string text = found == m_last.end() ? "" : ": " + in_words(found->second);
        std::error_code ignored;
        if (!fs::exists(log, ignored))
            return text + fmt::format("; it left no log: does the node see {}?", m_parts.folder().string());
        const auto line = last_line(log);
        return text + (line.empty() ? "" : "; its log ends with: " + line);
    }

    using job_key = std::pair<std::uint64_t, std::optional<std::uint64_t>>;
    static job_key key(const slurm_job& job) { return {job.id, job.task}; }

    sharded_work_if& m_work;
    const slurm_options& m_options;
    std::ostream &m_out, &m_err;
    bool m_terminal;
    parts m_parts;
    submitted_jobs m_jobs;
    std::map<job_key, slurm_job> m_last;  ///< as last seen: Slurm forgets them
    std::set<std::uint64_t> m_told;       ///< tasks whose failure was told
    std::uint64_t m_before = 0;           ///< finished when we came
    int m_silences = 0;
};

}  // namespace

slurm_end run_by_slurm(sharded_work_if& work, const slurm_options& options, std::ostream& out,
                       std::ostream& err, bool on_terminal) {
    return slurm_run(work, options, out, err, on_terminal).run();
}

void check_slurm_ready(const slurm_options& options) {
    check_slurm();
    (void)find_slurm_partition(options.partition);
}

void remove_parts(const fs::path& out) {
    const auto folder = parts::folder_of(out);
    if (!fs::exists(fs::symlink_status(folder)))
        return;
    if (const auto jobs = parts::remembered_in(folder)) {
        const auto there = jobs_if_told(*jobs);
        if (!there)
            throw user_error({folder.string(), 0}, "",
                             fmt::format("squeue does not tell whether jobs {} still write there; where they "
                                         "cannot, remove the folder yourself",
                                         numbers(*jobs)));
        if (std::ranges::any_of(*there, [](const slurm_job& each) {
                return each.live() && each.name.starts_with(name_prefix);
            }))
            throw user_error(
                {folder.string(), 0}, "",
                fmt::format("jobs {0} still write there; `scancel {0}` ends them", numbers(*jobs)));
    }
    parts::remove(out);
}

}  // namespace vtwin::scenario
