#include "scenarios/campaign/campaign_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/campaign/campaign_reader.h"
#include "scenarios/campaign/pattern.h"
#include "scenarios/statistics/sample_size.h"

namespace vtwin::scenario {
namespace {

std::vector<std::string> campaign_names(const std::filesystem::path& library) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(library / "campaigns", ignored))
        if (entry.path().extension() == ".toml")
            names.push_back(entry.path().stem().string());
    std::ranges::sort(names);
    return names;
}

std::filesystem::path find_campaign(const std::string& file, const std::filesystem::path& library) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored) || file.find('/') != std::string::npos)
        return file;
    const auto name = file.ends_with(".toml") ? file.substr(0, file.size() - 5) : file;
    const auto names = campaign_names(library);
    if (std::ranges::count(names, name) != 0)
        return library / "campaigns" / (name + ".toml");
    throw user_error({file, 0}, "", "no such file, nor a campaign of the library" + suggestion(name, names));
}

/// A path is relative to the campaign file; a bare name may be one of the library.
std::string find_scenario(const std::string& scenario, const std::filesystem::path& campaign_file) {
    std::error_code ignored;
    for (const char* ending : {"", ".toml"}) {
        const auto beside = campaign_file.parent_path() / (scenario + ending);
        if (std::filesystem::is_regular_file(beside, ignored))
            return beside.string();
    }
    return scenario;
}

void load_scenarios(campaign& made, const std::filesystem::path& library, std::vector<problem>& problems) {
    for (const auto& variant : made.variants) {
        auto overrides = variant.overrides;
        overrides.push_back({"seed", std::to_string(made.seeds.front()), "seeds"});
        try {
            made.scenarios.push_back(load_scenario(made.scenario, overrides, library));
        } catch (const user_error& mistake) {
            problems.insert(problems.end(), mistake.problems().begin(), mistake.problems().end());
        }
    }
}

void check_pattern(const campaign& made, const fault_pattern& pattern, const fault_check& check,
                   std::vector<problem>& problems) {
    std::vector<problem> found;
    for (const auto& scenario : made.scenarios) {
        const auto wires = wires_of(scenario.config);
        for (const fault& point : telling_points(pattern)) {
            std::vector<fault_problem> wrong;
            check(point, wires, wrong);
            for (const auto& each : wrong)
                found.push_back({pattern.where_written, pattern.name + '.' + each.key, each.text});
        }
    }
    for (auto& each : found)
        if (std::ranges::none_of(problems, [&](const problem& other) {
                return other.key == each.key && other.text == each.text;
            }))
            problems.push_back(std::move(each));
}

}  // namespace

std::string sampling::text() const {
    switch (how) {
        case rule::number:
            return fmt::format("n = {}", number);
        case rule::margin:
            return fmt::format("margin {} at {}", margin, confidence);
        case rule::exhaustive:
            return "exhaustive";
    }
    return "";
}

std::uint64_t sampling::size(std::uint64_t population) const {
    switch (how) {
        case rule::number:
            return std::min(number, population);
        case rule::margin:
            return sample_size(population, margin, confidence);
        case rule::exhaustive:
            return population;
    }
    return population;
}

outcome_set campaign::allowed_for(std::size_t variant, const campaign_stratum* stratum) const {
    // A run without faults must be like the other one without faults, whatever the faults may do.
    if (stratum == nullptr)
        return {outcome_class::not_activated, outcome_class::masked, outcome_class::corrected};
    if (stratum->allowed)
        return *stratum->allowed;
    if (variants[variant].allowed)
        return *variants[variant].allowed;
    return allowed.value_or(outcome_set::all_but_failures());
}

campaign read_campaign(const std::string& file, const fault_check& check,
                       const std::filesystem::path& library) {
    const auto path = find_campaign(file, library);
    std::vector<problem> problems;
    auto made = read_campaign_text(read_text_file(path, file), file, path.stem().string(), problems);
    made.file = std::filesystem::absolute(path).lexically_normal().string();
    if (!made.scenario.empty()) {
        made.scenario = find_scenario(made.scenario, path);
        load_scenarios(made, library, problems);
    }
    if (made.scenarios.size() == made.variants.size()) {
        for (const auto& stratum : made.strata)
            for (const auto& pattern : stratum.faults)
                if (pattern.target.given() && !pattern.kind.empty())
                    check_pattern(made, pattern, check, problems);
        for (const auto& noise : made.noise)
            if (noise.what.target.given() && !noise.what.kind.empty())
                check_pattern(made, noise.what, check, problems);
    }
    if (!problems.empty()) {
        std::ranges::stable_sort(problems, {}, [](const problem& each) { return each.where.line; });
        throw user_error(std::move(problems));
    }
    return made;
}

std::vector<library_entry> list_campaigns(const std::filesystem::path& library) {
    std::vector<library_entry> list;
    for (const auto& name : campaign_names(library)) {
        std::vector<problem> ignored;
        const auto text = read_text_file(library / "campaigns" / (name + ".toml"), name);
        list.push_back({name, read_campaign_text(text, name, name, ignored).description});
    }
    return list;
}

}  // namespace vtwin::scenario
