#include "scenarios/faults/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/hex.h"
#include "scenarios/faults/matcher.h"
#include "scenarios/schema/problem.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

using type = parameter_declaration::type;

std::vector<kind_declaration> gather() {
    std::vector<kind_declaration> all;
    for (auto part : {ring_kinds, memory_kinds, hypercall_kinds, disk_kinds, xenstore_kinds, domain_kinds,
                      tis_kinds, chip_kinds})
        for (auto& kind : part())
            all.push_back(std::move(kind));
    std::ranges::sort(all, {}, &kind_declaration::name);
    return all;
}

std::vector<std::string> names_of(std::span<const std::string_view> words) {
    return {words.begin(), words.end()};
}

/// What is wrong with the value of a parameter; "" when nothing is.
std::string refusal_of(const parameter_declaration& parameter, const std::string& value) {
    switch (parameter.kind) {
        case type::number: {
            const auto number = parse_number(value);
            if (!number || *number < parameter.min || *number > parameter.max)
                return fmt::format("'{}' is no number from {} to {}", value, parameter.min, parameter.max);
            return "";
        }
        case type::time: {
            const auto time = parse_time(value);
            if (!time || *time < parameter.min || *time > parameter.max)
                return fmt::format("'{}' is no time such as \"5 ms\" in the range of this parameter", value);
            return "";
        }
        case type::choice:
            if (std::ranges::count(parameter.choices, std::string_view(value)) == 0)
                return fmt::format("'{}' is none of {}{}", value, fmt::join(parameter.choices, ", "),
                                   suggestion(value, names_of(parameter.choices)));
            return "";
        case type::hex:
            return models::from_hex(value)
                       ? ""
                       : fmt::format("'{}' is no even number of hexadecimal digits", value);
        case type::word:
            return "";
    }
    return "";
}

void check_parameters(fault& what, const kind_declaration& kind, std::vector<fault_problem>& problems) {
    std::vector<std::string> known;
    for (const auto& parameter : kind.parameters) {
        known.emplace_back(parameter.name);
        const std::string name(parameter.name);
        const auto [place, absent] = what.parameters.try_emplace(name, parameter.standard);
        if (absent && parameter.standard.empty() && parameter.kind != type::word)
            problems.push_back({"with." + name, fmt::format("missing: {}", parameter.doc)});
        else if (const auto refusal = refusal_of(parameter, place->second); !refusal.empty())
            problems.push_back({"with." + name, refusal});
    }
    for (const auto& [name, value] : what.parameters)
        if (std::ranges::count(known, name) == 0)
            problems.push_back({"with." + name, fmt::format("{} has no such parameter{}", kind.name,
                                                            suggestion(name, known))});
}

/// Targets of a class of wire that a pattern meets.
std::vector<wire_name> met_by(const std::string& pattern, const std::vector<wire_name>& wires) {
    std::vector<wire_name> met;
    std::ranges::copy_if(wires, std::back_inserter(met),
                         [&](const auto& each) { return glob_matches(pattern, each.name); });
    return met;
}

std::vector<std::string> names_of_class(const std::vector<wire_name>& wires,
                                        std::optional<wire_class> which) {
    std::vector<std::string> names;
    for (const auto& each : wires)
        if (!which || each.which == *which)
            names.push_back(each.name);
    return names;
}

void check_target(const fault& what, const kind_declaration& kind, const std::vector<wire_name>& wires,
                  std::vector<fault_problem>& problems) {
    const auto met = met_by(what.target, wires);
    const auto fitting = names_of_class(wires, kind.target);
    if (met.empty())
        problems.push_back({"target", fmt::format("'{}' is no wire or domain of this machine{}", what.target,
                                                  suggestion(what.target, fitting))});
    else if (std::ranges::none_of(met, [&](const auto& each) { return each.which == kind.target; }))
        problems.push_back({"target", fmt::format("'{}' is of class {}, {} acts on {}: {}", what.target,
                                                  text_of(met.front().which), kind.name, text_of(kind.target),
                                                  fmt::join(fitting, ", "))});
}

void check_condition(const condition& each, const std::vector<wire_name>& counted,
                     std::vector<fault_problem>& problems) {
    const auto key = "where." + each.field;
    std::vector<std::string> possible;
    for (const auto& on : counted)
        for (const auto which : fields_of(on.which))
            if (std::ranges::count(possible, text_of(which)) == 0)
                possible.emplace_back(text_of(which));
    possible.emplace_back(text_of(field::stage));
    if (std::ranges::count(possible, each.field) == 0) {
        problems.push_back({key, fmt::format("crossings there have no such field{}; they have {}",
                                             suggestion(each.field, possible), fmt::join(possible, ", "))});
        return;
    }
    if (const auto wrong = matcher::problem_of(each); !wrong.empty())
        problems.push_back({key, wrong});
    if (each.field != text_of(field::operation))
        return;
    std::vector<std::string> operations;
    for (const auto& on : counted)
        for (const auto name : operations_of(on.which))
            operations.emplace_back(name);
    const matcher tested(each);
    if (std::ranges::none_of(operations,
                             [&](const auto& name) { return tested.matches(crossing(name), ""); }))
        problems.push_back(
            {key, fmt::format("'{}' never happens there{}; operations are {}", each.pattern,
                              suggestion(each.pattern, operations), fmt::join(operations, ", "))});
}

void check_trigger(const fault& what, const kind_declaration& kind, const std::vector<wire_name>& wires,
                   std::vector<fault_problem>& problems) {
    const auto& when = what.when;
    if (when.on.empty()) {
        if (!when.at)
            problems.push_back({"at", "missing: without a wire to count on ('on') a fault needs a time"});
        if (!when.where.empty())
            problems.push_back({"where", "conditions need a wire: 'on'"});
        return;
    }
    auto counted = met_by(when.on, wires);
    std::erase_if(counted, [](const auto& each) { return operations_of(each.which).empty(); });
    if (counted.empty())
        problems.push_back({"on", fmt::format("'{}' is no wire of this machine{}", when.on,
                                              suggestion(when.on, names_of_class(wires, std::nullopt)))});
    if (!kind.at_once && when.on != what.target)
        problems.push_back({"on", fmt::format("{} acts on what it counts: leave 'on' out", kind.name)});
    if (when.nth == 0)
        problems.push_back({"nth", "crossings are counted from 1"});
    if (when.per_million == 0 || when.per_million > 1'000'000)
        problems.push_back(
            {"probability", "expected more than 0 and at most 1: this trigger can never fire"});
    if (!counted.empty())
        for (const auto& each : when.where)
            check_condition(each, counted, problems);
}

}  // namespace

const std::vector<kind_declaration>& fault_kinds() {
    static const auto all = gather();
    return all;
}

const kind_declaration* find_kind(std::string_view name) {
    const auto& all = fault_kinds();
    const auto found = std::ranges::lower_bound(all, name, {}, &kind_declaration::name);
    return found != all.end() && found->name == name ? &*found : nullptr;
}

std::uint64_t fault_parameters::number(std::string_view name) const {
    const auto number = parse_number(word(name));
    sc_assert(number);
    return *number;
}

sc_core::sc_time fault_parameters::duration(std::string_view name) const {
    const auto time = parse_time(word(name));
    sc_assert(time);
    return sc_core::sc_time::from_value(*time);
}

const std::string& fault_parameters::word(std::string_view name) const {
    const auto found = m_values.find(std::string(name));
    sc_assert(found != m_values.end());
    return found->second;
}

std::vector<std::byte> fault_parameters::hex(std::string_view name) const {
    const auto octets = models::from_hex(word(name));
    sc_assert(octets);
    return {octets->begin(), octets->end()};
}

fault check_fault(fault what, const std::vector<wire_name>& wires, std::vector<fault_problem>& problems) {
    const auto* kind = find_kind(what.kind);
    if (kind == nullptr) {
        std::vector<std::string> names;
        for (const auto& each : fault_kinds())
            names.emplace_back(each.name);
        problems.push_back(
            {"kind", fmt::format("'{}' is no kind of fault{}", what.kind, suggestion(what.kind, names))});
        return what;
    }
    if (what.when.on.empty() && !kind->at_once)
        what.when.on = what.target;
    auto standard = kind->conditions;
    if (!kind->operations.empty())
        standard.push_back({std::string(text_of(field::operation)), std::string(kind->operations)});
    if (!kind->at_once)
        for (const auto& each : standard)
            if (std::ranges::count(what.when.where, each.field, &condition::field) == 0)
                what.when.where.push_back(each);
    std::ranges::sort(what.when.where);
    check_parameters(what, *kind, problems);
    check_target(what, *kind, wires, problems);
    check_trigger(what, *kind, wires, problems);
    return what;
}

}  // namespace vtwin::scenario
