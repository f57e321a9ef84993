#include "scenarios/report/page.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "scenarios/schema/problem.h"

namespace vtwin::scenario::report {

series distribution(std::string name, std::vector<double> values, std::size_t limit) {
    std::erase_if(values, [](double value) { return !std::isfinite(value); });
    std::sort(values.begin(), values.end());
    series made{std::move(name), {}, line_style::steps};
    if (values.empty())
        return made;
    const std::size_t count = values.size();
    // Of many values every n-th: ranks evenly apart, the smallest and the largest always among them.
    const std::size_t kept = std::min(count, std::max<std::size_t>(limit, 3) - 1);
    made.points.push_back({values.front(), 0});
    for (std::size_t index = 0; index < kept; ++index) {
        const std::size_t rank = kept == 1 ? count - 1 : index * (count - 1) / (kept - 1);
        made.points.push_back({values[rank], static_cast<double>(rank + 1) / static_cast<double>(count)});
    }
    return made;
}

void write_file(const std::filesystem::path& file, const std::string& text) {
    const auto fails = [&](const std::string& why) { throw user_error({file.string(), 0}, "", why); };
    std::error_code error;
    if (file.has_parent_path())
        std::filesystem::create_directories(file.parent_path(), error);
    if (error)
        fails("the folder cannot be made: " + error.message());
    auto beside = file;
    const bool in_place =
        std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error);
    if (!in_place)  // a terminal or a pipe is written to, not replaced
        beside += ".tmp";
    {
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out << text;
        out.flush();
        if (!out) {
            const std::string why = std::strerror(errno);
            if (!in_place)
                std::filesystem::remove(beside, error);
            fails("cannot be written: " + why);
        }
    }
    if (in_place)
        return;
    std::filesystem::rename(beside, file, error);
    if (!error)
        return;
    const std::string why = error.message();
    std::filesystem::remove(beside, error);
    fails("cannot be written: " + why);
}

}  // namespace vtwin::scenario::report
