#include "scenarios/campaign/fault_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "scenarios/schema/problem.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

using nlohmann::json;

json to_json(const fault& what) {
    json when = {{"on", what.when.on},
                 {"nth", what.when.nth},
                 {"per_million", what.when.per_million},
                 {"count", what.when.count}};
    json where = json::array();
    for (const auto& each : what.when.where)
        where.push_back({each.field, each.pattern});
    when["where"] = std::move(where);
    if (what.when.at)
        when["at"] = what.when.at->value();
    if (what.when.duration)
        when["duration"] = what.when.duration->value();
    return {{"name", what.name},
            {"kind", what.kind},
            {"target", what.target},
            {"when", std::move(when)},
            {"with", what.parameters}};
}

std::optional<sc_core::sc_time> time_of(const json& when, const char* key) {
    if (!when.contains(key))
        return std::nullopt;
    return sc_core::sc_time::from_value(when.at(key).get<std::uint64_t>());
}

fault from_json(const json& text) {
    fault made;
    made.name = text.at("name");
    made.kind = text.at("kind");
    made.target = text.at("target");
    made.parameters = text.at("with").get<std::map<std::string, std::string>>();
    const json& when = text.at("when");
    made.when.on = when.at("on");
    made.when.nth = when.at("nth");
    made.when.per_million = when.at("per_million");
    made.when.count = when.at("count");
    made.when.at = time_of(when, "at");
    made.when.duration = time_of(when, "duration");
    for (const json& each : when.at("where"))
        made.when.where.push_back({each.at(0), each.at(1)});
    return made;
}

std::string describe_one(const fault& what) {
    std::string text = fmt::format("{} on {}", what.kind, what.target);
    if (!what.when.on.empty())
        text += fmt::format(" at crossing {}", what.when.nth);
    if (!what.when.on.empty() && what.when.on != what.target)
        text += " of " + what.when.on;
    for (const auto& each : what.when.where)
        text += fmt::format(", {}={}", each.field, each.pattern);
    if (what.when.at)
        text += (what.when.on.empty() ? " at " : " not before ") + print_time(what.when.at->value());
    std::string with;
    for (const auto& [name, value] : what.parameters)
        with += fmt::format("{}{}={}", with.empty() ? "" : " ", name, value);
    return with.empty() ? text : fmt::format("{} ({})", text, with);
}

}  // namespace

std::string write_faults(const std::vector<fault>& faults) {
    json all = json::array();
    for (const auto& each : faults)
        all.push_back(to_json(each));
    // Names come from files: what is no UTF-8 is replaced instead of thrown about.
    return all.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::vector<fault> read_faults(const std::string& text) {
    try {
        std::vector<fault> made;
        for (const json& each : json::parse(text))
            made.push_back(from_json(each));
        return made;
    } catch (const json::exception& error) {
        throw user_error({}, "", std::string("no list of faults: ") + error.what());
    }
}

std::string describe(const std::vector<fault>& faults) {
    std::string text;
    for (const auto& each : faults)
        text += (text.empty() ? "" : " + ") + describe_one(each);
    return text.empty() ? "no fault" : text;
}

}  // namespace vtwin::scenario
