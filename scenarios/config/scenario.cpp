#include "scenarios/config/scenario.h"

#include <algorithm>

#include "scenarios/config/build.h"
#include "scenarios/config/build_faults.h"
#include "scenarios/config/complete.h"
#include "scenarios/config/fleet.h"
#include "scenarios/config/topology.h"

namespace vtwin::scenario {
namespace {

std::vector<std::string> library_names(const std::filesystem::path& library) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(library, ignored)) {
        if (entry.path().extension() == ".toml")
            names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// A name without a slash that is no file here may be one of the library.
std::filesystem::path find_file(const std::string& file, const std::filesystem::path& library) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored) || file.find('/') != std::string::npos)
        return file;
    std::string name = file.ends_with(".toml") ? file.substr(0, file.size() - 5) : file;
    std::vector<std::string> names = library_names(library);
    if (std::find(names.begin(), names.end(), name) != names.end())
        return library / (name + ".toml");
    throw user_error({file, 0}, "", "no such file, nor a scenario of the library" + suggestion(name, names));
}

}  // namespace

std::filesystem::path default_library() {
    return VTWIN_LIBRARY_DIR;
}

loaded_scenario load_scenario(const std::string& file, const std::vector<override_text>& overrides,
                              const std::filesystem::path& library) {
    std::filesystem::path path = find_file(file, library);
    loaded_scenario loaded;
    loaded.all = expand_fleet(read_settings(path, file, overrides, library));
    if (!loaded.all.has_section("manager"))
        throw user_error({file, 0}, "manager", "missing; a machine needs a [manager] section");
    complete(loaded.all,
             overrides.empty() ? loaded.all : expand_fleet(read_settings(path, file, {}, library)),
             path.stem().string(), library);
    std::vector<problem> problems = check_topology(loaded.all);
    if (problems.empty())
        loaded.config = build_run_config(loaded.all, library, problems);
    if (!problems.empty())
        throw user_error(std::move(problems));
    loaded.expectations = build_expectations(loaded.all);
    loaded.faults = build_faults(loaded.all, wires_of(loaded.config), problems);
    loaded.outcome = build_outcome_expectation(loaded.all);
    if (!problems.empty())
        throw user_error(std::move(problems));
    loaded.name = loaded.all.text("name");
    loaded.description = loaded.all.text("description");
    return loaded;
}

std::vector<library_entry> list_scenarios(const std::filesystem::path& library) {
    std::vector<library_entry> list;
    for (const std::string& name : library_names(library)) {
        settings all = read_settings(library / (name + ".toml"), name, {}, library);
        list.push_back({name, all.has("description") ? all.text("description") : ""});
    }
    return list;
}

}  // namespace vtwin::scenario
