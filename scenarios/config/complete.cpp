#include "scenarios/config/complete.h"

#include "models/behaviours/behaviours.h"
#include "scenarios/profiles/cost_fields.h"
#include "scenarios/profiles/profile_reader.h"
#include "scenarios/schema/value_parser.h"

namespace vtwin::scenario {
namespace {

/// Paths that a pattern stands for in this scenario: one per existing table where it has a wildcard.
std::vector<std::string> instances(const settings& all, const std::string& pattern) {
    std::size_t open = pattern.find('<');
    if (open == std::string::npos)
        return {pattern};
    std::size_t close = pattern.find('>', open);
    std::string before = pattern.substr(0, open - 1);
    const std::string after = pattern.substr(close + 1);
    std::vector<std::string> paths;
    for (const std::string& name : all.names_below(before)) {
        const std::string thing = before + '.' + name;
        // A guest without this table carries no load.
        if (!after.starts_with(".load.") || all.has_section(thing + ".load"))
            paths.push_back(thing + after);
    }
    return paths;
}

void fill_standard(settings& all, std::vector<problem>& problems) {
    for (const key_declaration& key : all_keys()) {
        if (key.when_absent != absence::standard && key.when_absent != absence::error)
            continue;
        for (const std::string& path : instances(all, key.pattern)) {
            if (all.has(path))
                continue;
            if (key.when_absent == absence::error) {
                problems.push_back({all.where(path), path, "missing; expected " + expected(key)});
                continue;
            }
            parsed_value parsed = parse_value_text(key, key.standard, ".");
            sc_assert(std::holds_alternative<value>(parsed));
            all.set(path, std::get<value>(std::move(parsed)), {});
        }
    }
}

template <typename Fields>
void fill_costs(settings& all, const std::string& category, const Fields& fields,
                const std::filesystem::path& library) {
    std::vector<std::string> names;
    for (const auto& field : fields)
        names.emplace_back(field.name);
    const std::string key = "machine." + category;
    for (const auto& [name, time] :
         read_cost_profile(library, category, all.text(key), names, all.where(key), key)) {
        std::string path = "costs." + category + '.' + name;
        if (!all.has(path))
            all.set(path, time.picoseconds, time.where);
    }
}

void fill_behaviours(settings& all) {
    const std::string every = all.text("machine.behaviour");
    for (const models::behaviour_info& each : models::all_behaviours()) {
        std::string path = "behaviours." + std::string(each.name);
        if (!all.has(path))
            all.set(path, every, all.where("machine.behaviour"));
    }
}

/// Gives `to` the value of `from` in `source`, when that has one and `to` has none.
void copy_if_absent(settings& all, const settings& source, const std::string& from, const std::string& to) {
    auto found = source.entries().find(from);
    if (!all.has(to) && found != source.entries().end())
        all.set(to, value(found->second.content), origin(found->second.where));
}

/// What the verifier approves when the scenario does not say: the machine and the guests as the file
/// describes them. Only for what the file leaves open it takes what runs.
void fill_references(settings& all, const settings& written) {
    auto source = [&](const std::string& section) -> const settings& {
        return written.has_section(section) ? written : all;
    };
    if (!all.has_section("verifier.platform")) {
        const settings& machine = source("machine.firmware");
        for (const std::string& n : machine.names_below("machine.firmware")) {
            for (const char* part : {".pcr", ".description", ".sha1"})
                copy_if_absent(all, machine, "machine.firmware." + n + part, "verifier.platform." + n + part);
        }
    }
    for (const std::string& guest : all.names_below("guest")) {
        const std::string from = "guest." + guest;
        const std::string to = "verifier.reference." + guest;
        const settings& described = source(from);
        for (const char* part : {".kernel", ".initrd", ".command_line", ".ima_files"})
            copy_if_absent(all, described, from + part, to + part);
        copy_if_absent(all, all, from + ".kernel", to + ".kernel");
        const settings& wired = described.has(from + ".vtpm") ? described : all;
        if (!wired.has(from + ".vtpm"))
            continue;
        const std::string vtpm = "vtpm." + wired.text(from + ".vtpm");
        copy_if_absent(all, source(vtpm), vtpm + ".uuid", to + ".vtpm_uuid");
        copy_if_absent(all, source(vtpm), vtpm + ".label", to + ".vtpm_label");
        copy_if_absent(all, source(vtpm), vtpm + ".version", to + ".vtpm_version");
    }
}

}  // namespace

void complete(settings& all, settings written, const std::string& scenario_name,
              const std::filesystem::path& library) {
    std::vector<problem> problems;
    if (!all.has("name"))
        all.set("name", scenario_name, {});
    fill_standard(all, problems);
    if (!problems.empty())
        throw user_error(std::move(problems));
    fill_costs(all, "hypervisor", hypervisor_cost_fields(), library);
    fill_costs(all, "software", software_cost_fields(), library);
    fill_behaviours(all);
    std::vector<problem> left_open;  // overrides may have closed these gaps
    fill_standard(written, left_open);
    fill_references(all, written);
}

}  // namespace vtwin::scenario
