#include "scenarios/batch/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "scenarios/report/page.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {
namespace fs = std::filesystem;

std::vector<std::uint64_t> submitted_jobs::all() const {
    std::vector<std::uint64_t> ids;
    for (const auto& each : {array, merge})
        if (each)
            ids.push_back(*each);
    return ids;
}

parts::parts(sharded_work_if& work) : m_work(work), m_folder(folder_of(work.out())) {
    std::error_code ignored;
    while (fs::exists(m_folder / work.part_name(m_count), ignored))
        ++m_count;
    m_seen.resize(m_count);
    if (m_count == 0 && fs::exists(fs::symlink_status(m_folder, ignored)))
        throw user_error({m_folder.string(), 0}, "", "exists and holds no parts; it is left alone");
}

void parts::make(std::uint64_t count) {
    const fs::path working = m_folder.string() + ".tmp";
    std::error_code failed;
    fs::remove_all(working, failed);
    fs::create_directories(working, failed);
    if (failed)
        throw user_error({working.string(), 0}, "", "cannot be made: " + failed.message());
    m_work.split(working, count);
    fs::rename(working, m_folder, failed);
    if (failed)
        throw user_error({m_folder.string(), 0}, "", "cannot be made: " + failed.message());
    m_count = count;
    m_seen.resize(count);
}

void parts::check() const {
    for (std::uint64_t i = 0; i < m_count; ++i)
        m_work.check_part(m_folder, {i, m_count});
}

fs::path parts::folder_of(const fs::path& out) {
    return out.string() + ".parts";
}

void parts::remove(const fs::path& out) {
    const auto folder = folder_of(out);
    std::error_code failed;
    if (!fs::exists(folder / "part0", failed) && !fs::exists(folder / "part0.sqlite", failed))
        throw user_error({folder.string(), 0}, "", "exists and holds no parts; it is left alone");
    fs::remove_all(folder, failed);
    if (failed)
        throw user_error({folder.string(), 0}, "", "cannot be removed: " + failed.message());
}

std::optional<sharded_work_if::count> parts::count_of(std::uint64_t part) const {
    return m_work.count_of(m_folder, {part, m_count});
}

std::vector<std::uint64_t> parts::incomplete() const {
    std::vector<std::uint64_t> all;
    for (std::uint64_t i = 0; i < m_count; ++i) {
        const auto count = count_of(i);
        if (!count || !count->complete())
            all.push_back(i);
    }
    return all;
}

void parts::look() {
    for (std::uint64_t i = 0; i < m_count; ++i)
        if (const auto count = count_of(i))
            m_seen[i] = {std::max(m_seen[i].finished, count->finished), count->planned};
}

std::uint64_t parts::finished() {
    look();
    std::uint64_t sum = 0;
    for (const auto& each : m_seen)
        sum += each.finished;
    return sum;
}

std::uint64_t parts::planned() {
    look();
    std::uint64_t sum = 0;
    for (const auto& each : m_seen)
        sum += std::max(each.planned, each.finished);
    return sum;
}

fs::path parts::log_of(std::uint64_t part) const {
    return m_folder / fmt::format("task{}.log", part);
}
fs::path parts::merge_log() const {
    return m_folder / "merge.log";
}

fs::path parts::write_task_script(unsigned jobs) const {
    auto file = m_folder / "task.sh";
    report::write_file(file,
                       job_script(m_folder.string(), {"task", true, ".log"}, m_work.task(m_count, jobs)));
    return file;
}

fs::path parts::write_merge_script() const {
    std::vector<task_word> words;
    for (const auto& each : m_work.merge(m_count))
        words.push_back({each, false, ""});
    auto file = m_folder / "merge.sh";
    report::write_file(file,
                       job_script(m_folder.string(), {merge_log().filename().string(), false, ""}, words));
    return file;
}

void parts::remember(const submitted_jobs& jobs) const {
    report::write_file(m_folder / "jobs",
                       fmt::format("{} {}\n", jobs.array.value_or(0), jobs.merge.value_or(0)));
}

std::optional<submitted_jobs> parts::remembered_in(const fs::path& folder) {
    std::ifstream in(folder / "jobs");
    std::uint64_t array = 0, merge = 0;
    if (!(in >> array >> merge))
        return std::nullopt;
    const auto number = [](std::uint64_t id) { return id == 0 ? std::nullopt : std::optional(id); };
    return submitted_jobs{number(array), number(merge)};
}

}  // namespace vtwin::scenario
