#include "scenarios/study/sharded_study.h"

#include <fmt/format.h>

#include "scenarios/study/results.h"

namespace vtwin::scenario::study {
namespace {

namespace fs = std::filesystem;

fs::path without_slash(const fs::path& path) {
    const auto whole = fs::absolute(path).lexically_normal();
    return whole.has_filename() ? whole : whole.parent_path();
}

}  // namespace

sharded_study::sharded_study(const study& what, const std::string& file, const fs::path& out,
                             fs::path program)
    : m_study(what), m_file(file), m_out(without_slash(out)), m_program(std::move(program)) {
    std::error_code ignored;
    if (fs::is_regular_file(m_file, ignored))
        m_file = fs::absolute(m_file).lexically_normal().string();
}

std::uint64_t sharded_study::missing() const {
    const auto file = m_out / "study.db";
    std::error_code ignored;
    return points_of(m_study) - (fs::exists(file, ignored) ? results(file, m_study, false).count() : 0);
}

std::string sharded_study::resume_command() const {
    return fmt::format("vtwin study run {} --out {} --engine slurm", shell_word(m_file),
                       shell_word(m_out.string()));
}

std::string sharded_study::part_name(std::uint64_t part) const {
    return fmt::format("part{}", part);
}

void sharded_study::split(const fs::path& folder, std::uint64_t parts) {
    for (std::uint64_t i = 0; i < parts; ++i) {
        const auto part = folder / part_name(i);
        std::error_code failed;
        fs::create_directories(part, failed);
        if (failed)
            throw user_error({part.string(), 0}, "", "cannot be made: " + failed.message());
        split_results(m_out / "study.db", part / "study.db", m_study, {i, parts});
    }
}

void sharded_study::check_part(const fs::path& folder, const shard& part) const {
    const auto file = folder / part_name(part.index) / "study.db";
    for (const auto& each : results(file, m_study, false).all())
        if (!part.has(number_of(m_study, {each.setting, each.seed})))
            throw user_error({file.string(), 0}, "",
                             fmt::format("is not part {} of {}", part.index, part.count));
}

std::optional<sharded_work_if::count> sharded_study::count_of(const fs::path& folder,
                                                              const shard& part) const {
    const auto finished = points_in(folder / part_name(part.index) / "study.db");
    if (!finished)
        return std::nullopt;
    const auto all = points_of(m_study);
    return count{*finished, all / part.count + (all % part.count > part.index ? 1 : 0)};
}

std::vector<task_word> sharded_study::task(std::uint64_t parts, unsigned jobs) const {
    return {{m_program.string()},
            {"study"},
            {"run"},
            {m_file},
            {"--out"},
            {"part", true, ""},
            {"--shard"},
            {"", true, fmt::format("/{}", parts)},
            {"--jobs"},
            {std::to_string(jobs)}};
}

std::vector<std::string> sharded_study::merge(std::uint64_t parts) const {
    std::vector<std::string> words = {m_program.string(), "study", "merge",       m_file,
                                      "--complete",       "--out", m_out.string()};
    for (std::uint64_t i = 0; i < parts; ++i)
        words.push_back(part_name(i));
    return words;
}

}  // namespace vtwin::scenario::study
