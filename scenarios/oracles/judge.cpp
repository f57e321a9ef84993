// From two records to an outcome.
#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "scenarios/oracles/outcome.h"

namespace vtwin::scenario {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, outcome_classes> names = {{
    {"O0", "not activated"},
    {"O1", "masked"},
    {"O2", "corrected"},
    {"O3", "detected and safe"},
    {"O4", "degraded"},
    {"O5", "hang"},
    {"O6", "silent corruption"},
    {"O7", "security violation"},
    {"O8", "simulator failure"},
}};

/// Those that the run without faults does not have, worst first.
std::vector<violation> new_violations(const run_record& golden, const run_record& run) {
    std::set<std::pair<std::string, std::string>> known;
    for (const auto& each : golden.violations)
        known.emplace(each.invariant, each.subject);
    std::vector<violation> found;
    for (const auto& each : run.violations)
        if (!known.contains({each.invariant, each.subject}))
            found.push_back(each);
    std::ranges::stable_sort(found, [](const auto& a, const auto& b) { return a.worst > b.worst; });
    return found;
}

/// What somebody complained of, and nobody in the run without faults.
std::vector<const history_line*> new_errors(const run_record& golden, const run_record& run) {
    std::set<std::pair<std::string_view, std::string_view>> known;
    for (const auto& each : golden.history)
        if (each.error)
            known.emplace(each.who, each.text);
    std::vector<const history_line*> found;
    for (const auto& each : run.history)
        if (each.error && !known.contains({each.who, each.text}))
            found.push_back(&each);
    return found;
}

struct fact_change {
    std::string name, before, after;
};
/// Results that differ; those that are chance do not count.
std::vector<fact_change> changed_facts(const run_record& golden, const run_record& run) {
    std::set<std::string> all;
    for (const auto& record : {&golden, &run})
        for (const auto& [name, value] : record->facts)
            all.insert(name);
    const auto value = [](const run_record& of, const std::string& name) {
        const auto found = of.facts.find(name);
        return found == of.facts.end() ? std::string() : found->second;
    };
    std::vector<fact_change> changed;
    for (const auto& name : all)
        if (!name.ends_with(".ek") && value(golden, name) != value(run, name))
            changed.push_back({name, value(golden, name), value(run, name)});
    return changed;
}

bool is_fact(const fact_change& change, std::string_view kind) {
    return change.name.ends_with(kind);
}

/// The verifier trusts what it does not trust without the fault.
bool fooled(const fact_change& change) {
    const auto trusts = [](const std::string& verdicts) {
        std::size_t count = 0;
        constexpr std::string_view word = "trusted", negation = "not ";
        for (std::size_t at = verdicts.find(word); at != std::string::npos;
             at = verdicts.find(word, at + word.size()))
            count += at < negation.size() ||
                     std::string_view(verdicts).substr(at - negation.size(), negation.size()) != negation;
        return count;
    };
    return is_fact(change, ".verdicts") && change.before.find("not trusted") != std::string::npos &&
           trusts(change.after) > trusts(change.before);
}

/// A domain crashed, or a guest got no verdict at all.
bool service_lost(const fact_change& change) {
    if (is_fact(change, ".life"))
        return change.after == "crashed" || change.after == "destroyed";
    return is_fact(change, ".verdicts") &&
           (change.after.empty() || change.after.find("none") != std::string::npos);
}

/// It stopped by itself, having said why.
bool stopped_with_notice(const std::vector<fact_change>& changes,
                         const std::vector<const history_line*>& errors) {
    return std::ranges::any_of(changes, [&](const fact_change& change) {
        const bool stopped = is_fact(change, ".life") && change.after != "created" && !change.after.empty();
        const auto domain = change.name.substr(0, change.name.rfind('.'));
        return stopped && std::ranges::any_of(errors, [&](const auto* line) { return line->who == domain; });
    });
}

outcome verdict(outcome_class worst, std::string summary) {
    return {worst, {}, std::move(summary)};
}

std::string first_of(const std::vector<const history_line*>& errors) {
    return errors.empty() ? "nobody said anything" : errors.front()->who + ": " + errors.front()->text;
}

outcome judge_unfinished(const run_record& run, const std::vector<fact_change>& changes,
                         const std::vector<const history_line*>& errors) {
    if (stopped_with_notice(changes, errors)) {
        const bool lost = std::ranges::any_of(
            changes, [](const auto& each) { return is_fact(each, ".life") && each.after == "crashed"; });
        return verdict(lost ? outcome_class::degraded : outcome_class::detected_safe,
                       "a domain stopped and said why: " + first_of(errors));
    }
    constexpr std::string_view time_limit = "time limit";
    if (run.problem.find(time_limit) == std::string::npos && run.problem != "no progress" &&
        !run.problem.empty())
        return verdict(outcome_class::detected_safe, "the operator was told: " + run.problem);
    return verdict(outcome_class::hang, "the run did not end: " + run.problem);
}

outcome judge_results(const std::vector<fact_change>& changes,
                      const std::vector<const history_line*>& errors) {
    for (const auto& each : changes)
        if (fooled(each))
            return verdict(outcome_class::security_violation,
                           fmt::format("the verifier was deceived: {} is \"{}\" instead of \"{}\"", each.name,
                                       each.after, each.before));
    const auto& first = changes.front();
    if (errors.empty())
        return verdict(outcome_class::silent_corruption,
                       fmt::format("{} is \"{}\" instead of \"{}\", and nobody was told", first.name,
                                   first.after, first.before));
    if (const auto lost = std::ranges::find_if(changes, service_lost); lost != changes.end())
        return verdict(outcome_class::degraded, fmt::format("service was lost with notice ({} is \"{}\"); {}",
                                                            lost->name, lost->after, first_of(errors)));
    return verdict(outcome_class::detected_safe, "the error reached somebody: " + first_of(errors));
}

outcome compare(const run_record& golden, const run_record& run) {
    if (run.exact == golden.exact && run.finished == golden.finished)
        return run.faults_begun == 0
                   ? verdict(outcome_class::not_activated, "no fault began")
                   : verdict(outcome_class::masked, "nothing differs from the run without faults");
    if (run.faults_begun == 0)
        return verdict(outcome_class::simulator_failure,
                       "no fault began and yet the run differs from the one without faults");
    const auto changes = changed_facts(golden, run);
    const auto errors = new_errors(golden, run);
    if (!run.finished && golden.finished)
        return judge_unfinished(run, changes, errors);
    if (changes.empty())
        return verdict(outcome_class::corrected, "only times or retries differ");
    return judge_results(changes, errors);
}

}  // namespace

std::string_view code_of(outcome_class which) {
    return names[static_cast<std::size_t>(which)].first;
}

std::string_view name_of(outcome_class which) {
    return names[static_cast<std::size_t>(which)].second;
}

outcome judge(const run_record& golden, const run_record& run) {
    auto result = compare(golden, run);
    result.violations = new_violations(golden, run);
    if (result.violations.empty() || result.worst == outcome_class::simulator_failure)
        return result;
    const auto& first = result.violations.front();
    if (first.worst >= result.worst) {
        result.worst = first.worst;
        result.summary = fmt::format("{} violated: {}", first.invariant, first.text);
    }
    return result;
}

}  // namespace vtwin::scenario
