#include "scenarios/config/build_faults.h"

namespace vtwin::scenario {
namespace {

/// Name to text for every key directly below a section.
std::map<std::string, std::string> texts_below(const settings& all, const std::string& section) {
    std::map<std::string, std::string> texts;
    const auto prefix = section + '.';
    for (const auto& [path, entry] : all.entries())
        if (path.starts_with(prefix) && path.find('.', prefix.size()) == std::string::npos)
            texts[path.substr(prefix.size())] = all.text(path);
    return texts;
}

fault read_fault(const settings& all, const std::string& name) {
    const std::string path = "faults." + name;
    fault made;
    made.name = name;
    made.kind = all.text(path + ".kind");
    made.target = all.text(path + ".target");
    if (all.has(path + ".on"))
        made.when.on = all.text(path + ".on");
    for (const auto& [field, pattern] : texts_below(all, path + ".where"))
        made.when.where.push_back({field, pattern});
    made.when.nth = all.integer(path + ".nth");
    if (all.has(path + ".at"))
        made.when.at = all.duration(path + ".at");
    made.when.per_million = static_cast<std::uint32_t>(all.integer(path + ".probability"));
    made.when.count = all.integer(path + ".count");
    if (all.has(path + ".for"))
        made.when.duration = all.duration(path + ".for");
    made.parameters = texts_below(all, path + ".with");
    return made;
}

void put_fault(settings& all, const fault& what) {
    const std::string path = "faults." + what.name;
    all.add_section(path, {});
    all.set(path + ".kind", what.kind, {});
    all.set(path + ".target", what.target, {});
    if (!what.when.on.empty() && what.when.on != what.target)
        all.set(path + ".on", what.when.on, {});
    for (const auto& each : what.when.where)
        all.set(path + ".where." + each.field, each.pattern, {});
    all.set(path + ".nth", what.when.nth, {});
    if (what.when.at)
        all.set(path + ".at", what.when.at->value(), {});
    all.set(path + ".probability", std::uint64_t{what.when.per_million}, {});
    all.set(path + ".count", what.when.count, {});
    if (what.when.duration)
        all.set(path + ".for", what.when.duration->value(), {});
    for (const auto& [name, value] : what.parameters)
        all.set(path + ".with." + name, value, {});
}

}  // namespace

std::vector<fault> build_faults(settings& all, const std::vector<wire_name>& wires,
                                std::vector<problem>& problems) {
    std::vector<fault> faults;
    for (const auto& name : all.names_below("faults")) {
        std::vector<fault_problem> found;
        faults.push_back(check_fault(read_fault(all, name), wires, found));
        const std::string path = "faults." + name + '.';
        for (const auto& each : found)
            problems.push_back({all.where(path + each.key), path + each.key, each.text});
        if (found.empty()) {
            put_fault(all, faults.back());
            read_fault(all, name);  // what was completed counts as read
        }
    }
    return faults;
}

void put_faults(settings& all, const std::vector<fault>& faults) {
    all.remove_section("faults");
    for (const auto& each : faults)
        put_fault(all, each);
}

outcome_expectation build_outcome_expectation(const settings& all) {
    outcome_expectation expected;
    if (all.has("outcome.allowed"))
        expected.allowed = all.words("outcome.allowed");
    expected.violates = all.words("outcome.violates");
    return expected;
}

}  // namespace vtwin::scenario
