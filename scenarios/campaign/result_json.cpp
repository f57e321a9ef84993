#include "scenarios/campaign/result_json.h"

#include <nlohmann/json.hpp>

#include "scenarios/campaign/fault_json.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {
namespace {

using nlohmann::json;

std::string line_of(const json& what) {
    return what.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string write_violations(const std::vector<violation>& violations) {
    json all = json::array();
    for (const auto& each : violations)
        all.push_back({{"invariant", each.invariant},
                       {"class", static_cast<unsigned>(each.worst)},
                       {"at", each.at.value()},
                       {"subject", each.subject},
                       {"text", each.text}});
    return line_of(all);
}

std::vector<violation> read_violations(const std::string& text) {
    try {
        std::vector<violation> all;
        for (const json& each : json::parse(text)) {
            violation made;
            made.invariant = each.at("invariant");
            const auto worst = each.at("class").get<unsigned>();
            if (worst >= outcome_classes)
                throw user_error({}, "", "no outcome class: " + std::to_string(worst));
            made.worst = static_cast<outcome_class>(worst);
            made.at = sc_core::sc_time::from_value(each.at("at").get<std::uint64_t>());
            made.subject = each.at("subject");
            made.text = each.at("text");
            all.push_back(std::move(made));
        }
        return all;
    } catch (const json::exception& error) {
        throw user_error({}, "", std::string("no list of violations: ") + error.what());
    }
}

std::string table_line(const planned_run& plan, const world& where, const finished_run& result) {
    const auto& violations = result.result.violations;
    json line = json::array();
    line.push_back(plan.id);
    line.push_back(where.variant);
    line.push_back(where.seed);
    line.push_back(plan.stratum);
    line.push_back(json::parse(write_faults(plan.faults)));
    line.push_back(code_of(result.result.worst));
    line.push_back(violations.empty() ? json() : json(violations.front().invariant));
    line.push_back(violations.empty() ? json() : json(violations.front().at.value()));
    line.push_back(result.faults_begun);
    line.push_back(result.first_begun.value());
    line.push_back(result.end.value());
    line.push_back(result.fingerprint);
    line.push_back(result.result.summary);
    line.push_back(json::parse(write_violations(violations)));
    return line_of(line);
}

}  // namespace vtwin::scenario
