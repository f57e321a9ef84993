#include "scenarios/campaign/shrink.h"

#include <fmt/format.h>

#include <algorithm>

#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/matcher.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        out += c;
    }
    return out + '"';
}

/// A number stays one, everything else is a string.
std::string scalar(const std::string& text) {
    const bool decimal = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos &&
                         (text == "0" || text[0] != '0') && text.size() < 18;
    return decimal ? text : quoted(text);
}

template <typename Pairs>
std::string inline_table(const Pairs& pairs) {
    std::string out;
    for (const auto& [name, value] : pairs)
        out += (out.empty() ? "{ " : ", ") + std::string(name) + " = " + scalar(value);
    return out + " }";
}

/// The operation that a kind adds by itself, and parameters at their default, need not be written.
std::string print_fault(const fault& what) {
    const auto* kind = find_kind(what.kind);
    const auto& when = what.when;
    std::string out = fmt::format("[faults.{}]\nkind = {}\ntarget = {}\n", what.name, quoted(what.kind),
                                  quoted(what.target));
    if (!when.on.empty() && when.on != what.target)
        out += "on = " + quoted(when.on) + '\n';
    std::vector<std::pair<std::string, std::string>> where;
    for (const auto& each : when.where)
        if (kind == nullptr || each.field != text_of(field::operation) || each.pattern != kind->operations)
            where.emplace_back(each.field, each.pattern);
    if (!where.empty())
        out += "where = " + inline_table(where) + '\n';
    if (when.nth != 1)
        out += fmt::format("nth = {}\n", when.nth);
    if (when.at)
        out += "at = " + quoted(print_time(when.at->value())) + '\n';
    if (when.per_million != 1'000'000)
        out += "probability = " + print_probability(std::uint64_t{when.per_million}) + '\n';
    if (when.count != 1)
        out += fmt::format("count = {}\n", when.count);
    if (when.duration)
        out += "for = " + quoted(print_time(when.duration->value())) + '\n';
    std::vector<std::pair<std::string, std::string>> with;
    for (const auto& [name, value] : what.parameters) {
        const auto standard = [&, parameter = name](const parameter_declaration& each) {
            return each.name == parameter && each.standard == what.parameters.at(parameter);
        };
        if (kind == nullptr || std::ranges::none_of(kind->parameters, standard))
            with.emplace_back(name, value);
    }
    if (!with.empty())
        out += "with = " + inline_table(with) + '\n';
    return out;
}

}  // namespace

failure failure_of(const outcome& what) {
    return {what.worst, what.violations.empty() ? "" : what.violations.front().invariant};
}

std::string print_scenario(const reduced_scenario& what, const failure& how) {
    std::string out = "base = " + quoted(what.base) + '\n';
    if (!what.without.empty()) {
        std::string list;
        for (const auto& section : what.without)
            list += (list.empty() ? "" : ", ") + quoted(section);
        out += "without = [" + list + "]\n";
    }
    for (const auto& change : what.changes)
        out += change.key + " = " + change.text + '\n';
    out += fmt::format("outcome = {{ allowed = [\"{}\"]{} }}\n", code_of(how.worst),
                       how.invariant.empty() ? "" : ", violates = [" + quoted(how.invariant) + "]");
    for (const auto& each : what.faults)
        out += print_fault(each);
    return out;
}

std::size_t lines_of(const std::string& text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

shrinker::shrinker(shrinkable_parts parts, failure goal, attempt attempt, listener listener)
    : m_parts(std::move(parts)),
      m_goal(std::move(goal)),
      m_attempt(std::move(attempt)),
      m_listener(std::move(listener)) {}

bool shrinker::fails(const reduced_scenario& candidate) {
    ++m_attempts;
    return m_attempt(print_scenario(candidate, m_goal)) == m_goal;
}

bool shrinker::accept(reduced_scenario& current, reduced_scenario candidate, const std::string& step) {
    if (!fails(candidate))
        return false;
    current = std::move(candidate);
    m_listener(step, lines_of(print_scenario(current, m_goal)));
    return true;
}

/// ddmin: leaves out ever smaller pieces as long as what stays still fails.
void shrinker::fewer_faults(reduced_scenario& current) {
    std::size_t pieces = 2;
    while (current.faults.size() > 1) {
        pieces = std::min(pieces, current.faults.size());
        bool smaller = false;
        for (std::size_t piece = 0; !smaller && piece < pieces; ++piece) {
            const auto size = current.faults.size();
            const auto from = piece * size / pieces, to = (piece + 1) * size / pieces;
            auto candidate = current;
            candidate.faults.erase(candidate.faults.begin() + static_cast<std::ptrdiff_t>(from),
                                   candidate.faults.begin() + static_cast<std::ptrdiff_t>(to));
            smaller = !candidate.faults.empty() &&
                      accept(current, std::move(candidate), fmt::format("{} fault(s) left out", to - from));
        }
        if (smaller)
            pieces = std::max<std::size_t>(pieces - 1, 2);
        else if (pieces >= current.faults.size())
            return;
        else
            pieces *= 2;
    }
}

void shrinker::fewer_changes(reduced_scenario& current) {
    for (std::size_t i = 0; i < current.changes.size();) {
        auto candidate = current;
        const auto key = candidate.changes[i].key;
        candidate.changes.erase(candidate.changes.begin() + static_cast<std::ptrdiff_t>(i));
        if (!accept(current, std::move(candidate), key + " as in the base"))
            ++i;
    }
}

void shrinker::fewer_guests(reduced_scenario& current) {
    for (const auto& guest : m_parts.guests) {
        auto candidate = current;
        candidate.without.push_back("guest." + guest.name);
        const auto same_vtpm = [&](const auto& other) { return other.vtpm == guest.vtpm; };
        if (std::ranges::count_if(m_parts.guests, same_vtpm) == 1)
            candidate.without.push_back("vtpm." + guest.vtpm);
        if (std::ranges::count(m_parts.expectations, guest.name) != 0)
            candidate.without.push_back("expect." + guest.name);
        const auto prefix = "guest." + guest.name + '.';
        std::erase_if(candidate.changes, [&](const auto& change) { return change.key.starts_with(prefix); });
        accept(current, std::move(candidate), guest.name + " left out");
    }
}

void shrinker::fewer_commands(reduced_scenario& current, std::size_t most_lines) {
    const auto set = [&](const std::string& key, const std::string& value) {
        auto candidate = current;
        std::erase_if(candidate.changes, [&](const auto& change) { return change.key == key; });
        candidate.changes.push_back({key, value});
        if (lines_of(print_scenario(candidate, m_goal)) <= most_lines)
            accept(current, std::move(candidate), key + " = " + value);
    };
    set("machine.restarts", "0");
    for (const auto& guest : m_parts.guests) {
        const auto path = "guest." + guest.name;
        if (std::ranges::count(current.without, path) != 0)
            continue;
        if (guest.attestations > 0)
            set(path + ".attestations", "0");
        if (guest.measures_files)
            set(path + ".ima_files", "[]");
    }
}

/// The earliest crossing that still fails, by halving.
void shrinker::sooner(reduced_scenario& current, std::size_t which) {
    std::uint64_t low = 1;
    while (low < current.faults[which].when.nth) {
        auto candidate = current;
        const auto middle = low + (current.faults[which].when.nth - low) / 2;
        candidate.faults[which].when.nth = middle;
        if (!accept(current, std::move(candidate), fmt::format("from crossing {} on", middle)))
            low = middle + 1;
    }
}

void shrinker::simpler_fault(reduced_scenario& current, std::size_t which) {
    const auto change = [&](const std::string& step, const std::function<void(fault&)>& how) {
        auto candidate = current;
        how(candidate.faults[which]);
        return accept(current, std::move(candidate), step);
    };
    const auto& now = [&]() -> const fault& { return current.faults[which]; };
    for (std::size_t i = 0; i < now().when.where.size();)
        if (!change("without the condition on " + now().when.where[i].field, [i](fault& each) {
                each.when.where.erase(each.when.where.begin() + static_cast<std::ptrdiff_t>(i));
            }))
            ++i;
    if (now().when.at && !now().when.on.empty())
        change("at any time", [](fault& each) { each.when.at.reset(); });
    if (now().when.duration)
        change("for no certain time", [](fault& each) { each.when.duration.reset(); });
    if (now().when.per_million != 1'000'000)
        change("every time", [](fault& each) { each.when.per_million = 1'000'000; });
    if (now().when.count != 1)
        change("once", [](fault& each) { each.when.count = 1; });
    sooner(current, which);
    if (const auto* kind = find_kind(now().kind))
        for (const auto& parameter : kind->parameters) {
            const auto found = now().parameters.find(std::string(parameter.name));
            const auto standard = std::string(parameter.standard);
            if (!standard.empty() && found != now().parameters.end() && found->second != standard)
                change(fmt::format("{} = {}", parameter.name, standard),
                       [&](fault& each) { each.parameters[std::string(parameter.name)] = standard; });
        }
}

reduced_scenario shrinker::shrink(reduced_scenario current, std::size_t most_lines) {
    fewer_faults(current);
    for (std::size_t i = 0; i < current.faults.size(); ++i)
        simpler_fault(current, i);
    fewer_changes(current);
    fewer_guests(current);
    fewer_commands(current, most_lines);
    return current;
}

}  // namespace vtwin::scenario
