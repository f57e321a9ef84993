#include "scenarios/profiles/profile_reader.h"

#include <algorithm>

#include "scenarios/profiles/profile_file.h"

namespace vtwin::scenario {

std::vector<std::string> profile_names(const std::filesystem::path& library, const std::string& category) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(library / "profiles" / category, ignored)) {
        if (entry.path().extension() == ".toml")
            names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::map<std::string, profile_time> read_cost_profile(const std::filesystem::path& library,
                                                      const std::string& category, const std::string& name,
                                                      const std::vector<std::string>& fields,
                                                      const origin& asked, const std::string& key) {
    profile_file file(library, category, name, asked, key);
    file.plain_text("name", true);
    file.plain_text("description", true);
    std::map<std::string, profile_time> costs;
    for (const std::string& field : fields)
        costs[field] = {file.duration(field), file.source(field), file.where(field)};
    file.finish();
    return costs;
}

}  // namespace vtwin::scenario
