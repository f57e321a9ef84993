#include <fmt/format.h>

#include <algorithm>

#include "models/behaviours/behaviours.h"
#include "scenarios/cli/cli.h"
#include "scenarios/config/scenario.h"
#include "scenarios/faults/catalogue.h"
#include "scenarios/oracles/oracle.h"
#include "scenarios/profiles/profile_reader.h"
#include "scenarios/schema/key.h"
#include "traces/signals.h"

namespace vtwin::scenario {
namespace {

void list_scenario_library(std::ostream& out) {
    for (const library_entry& each : list_scenarios())
        out << fmt::format("{:<24} {}\n", each.name, each.description);
}

void list_chips(std::ostream& out) {
    const std::filesystem::path library = default_library();
    for (const std::string& name : profile_names(library, "chips"))
        out << fmt::format("{:<24} {}\n", name, read_chip_profile(library, name, {}, "").description);
}

void list_behaviours(std::ostream& out) {
    std::vector<models::behaviour_info> sorted(models::all_behaviours().begin(),
                                               models::all_behaviours().end());
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const models::behaviour_info& each : sorted) {
        out << fmt::format("{}  [{}{}{}]{}\n", each.name, each.severity, each.findings.empty() ? "" : " ",
                           each.findings, each.modelled ? "" : "  not modelled yet");
        out << "    faithful: " << each.faithful << "\n    hardened: " << each.hardened << '\n';
    }
}

std::string default_text(const key_declaration& key) {
    switch (key.when_absent) {
        case absence::error:
            return "required";
        case absence::meaning:
            return "none";
        case absence::standard:
            return key.standard.empty() ? "\"\"" : key.standard;
        case absence::derived:
            return "from " + key.standard;
    }
    return "";
}

void list_keys(std::ostream& out) {
    std::vector<key_declaration> sorted = all_keys();
    std::sort(sorted.begin(), sorted.end(),
              [](const auto& a, const auto& b) { return a.pattern < b.pattern; });
    for (const key_declaration& key : sorted) {
        out << fmt::format("{}  ({}; {})\n    {}", key.pattern, type_name(key.type), default_text(key),
                           key.doc);
        for (std::size_t i = 0; i < key.choices.size(); ++i)
            out << (i == 0 ? ": " : ", ") << key.choices[i];
        out << '\n';
    }
}

void list_oracles(std::ostream& out) {
    std::string_view part;
    for (const invariant& each : all_invariants()) {
        if (each.subsection != part)
            out << fmt::format("{}{}\n", part.empty() ? "" : "\n", each.subsection);
        part = each.subsection;
        out << fmt::format("    {:<5} {}  {}\n", each.id, code_of(each.when_violated), each.statement);
    }
}

void list_signals(std::ostream& out) {
    for (const trace::signal_description& each : trace::all_signals()) {
        std::string kind = each.width == 0 ? "words" : std::to_string(each.width) + " bit";
        out << fmt::format("{:<32} {:<7} {}\n", each.path, kind, each.doc);
    }
}

std::string print_parameter(const parameter_declaration& parameter) {
    auto text = fmt::format("    with.{}  ({}) {}", parameter.name,
                            parameter.standard.empty() ? "required" : parameter.standard, parameter.doc);
    if (!parameter.choices.empty())
        text += fmt::format(": {}", fmt::join(parameter.choices, ", "));
    return text + '\n';
}

void list_faults(std::ostream& out) {
    for (const kind_declaration& kind : fault_kinds()) {
        out << fmt::format("{}  [{}; {}]{}\n    {}\n", kind.name, text_of(kind.target), kind.rows,
                           kind.at_once ? "  acts once" : "", kind.doc);
        for (const auto& parameter : kind.parameters)
            out << print_parameter(parameter);
    }
    out << "\nwhere: fields of a crossing, by class of wire; all have stage\n";
    for (std::size_t i = 0; i < static_cast<std::size_t>(wire_class::count_); ++i) {
        const auto which = static_cast<wire_class>(i);
        if (operations_of(which).empty())
            continue;
        std::vector<std::string_view> fields;
        for (const auto each : fields_of(which))
            fields.push_back(text_of(each));
        out << fmt::format("    {:<10} {}; operation is {}\n", text_of(which), fmt::join(fields, ", "),
                           fmt::join(operations_of(which), ", "));
    }
}

}  // namespace

void print_list(const std::string& what, std::ostream& out) {
    if (what == "scenarios")
        list_scenario_library(out);
    else if (what == "chips")
        list_chips(out);
    else if (what == "behaviours")
        list_behaviours(out);
    else if (what == "faults")
        list_faults(out);
    else if (what == "signals")
        list_signals(out);
    else if (what == "oracles")
        list_oracles(out);
    else
        list_keys(out);
}

}  // namespace vtwin::scenario
