#include "scenarios/runner/output_directory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "scenarios/schema/problem.h"

namespace vtwin::scenario {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& reason) {
    throw user_error({path.string(), 0}, "", "cannot write the output: " + reason);
}

/// Something that a run has left there, or nothing worth keeping.
bool replaceable(const fs::path& place) {
    std::error_code error;
    if (!fs::exists(place, error))
        return true;
    if (!fs::is_directory(place, error))
        return false;
    return fs::is_empty(place, error) || fs::exists(place / "result.json", error) ||
           fs::exists(place / incomplete_mark, error);
}

fs::path without_trailing_slash(const fs::path& place) {
    fs::path normal = fs::absolute(place).lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
}

}  // namespace

output_directory::output_directory(fs::path final_place) : m_final(without_trailing_slash(final_place)) {
    m_working = m_final;
    m_working += ".tmp";
    if (!replaceable(m_final))
        refuse(m_final, "it exists and is not the output of a run");
    std::error_code error;
    fs::remove_all(m_working, error);
    fs::create_directories(m_working, error);
    if (error)
        refuse(m_working, error.message());
}

output_directory::~output_directory() {
    std::error_code ignored;
    if (!m_moved)
        fs::remove_all(m_working, ignored);
}

void output_directory::write(const std::string& relative_path, std::string_view content) {
    const fs::path path = m_working / relative_path;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error)
        refuse(path, error.message());
    errno = 0;
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.close();
    if (!out)
        refuse(path, errno == 0 ? "write failed" : std::strerror(errno));
}

std::vector<std::string> output_directory::files() const {
    std::vector<std::string> paths;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(m_working, error)) {
        if (entry.is_regular_file())
            paths.push_back(entry.path().lexically_relative(m_working).generic_string());
    }
    if (error)
        refuse(m_working, error.message());
    std::sort(paths.begin(), paths.end());
    return paths;
}

void output_directory::commit() {
    if (!replaceable(m_final))
        refuse(m_final, "it exists and is not the output of a run");
    fs::path earlier = m_final;
    earlier += ".old";
    std::error_code error;
    std::error_code ignored;
    fs::remove_all(earlier, ignored);
    if (fs::exists(m_final, ignored))
        fs::rename(m_final, earlier, error);
    if (!error)
        fs::rename(m_working, m_final, error);
    if (error) {
        fs::rename(earlier, m_final, ignored);
        refuse(m_final, error.message());
    }
    m_moved = true;
    fs::remove_all(earlier, ignored);
}

void output_directory::keep_incomplete(const std::string& reason) {
    write(std::string(incomplete_mark), reason + '\n');
    commit();
}

}  // namespace vtwin::scenario
