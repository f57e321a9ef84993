#include "scenarios/config/topology.h"

#include <algorithm>

namespace vtwin::scenario {
namespace {

using problems = std::vector<problem>;

std::string at(const origin& where) {
    return where.file + (where.line == 0 ? "" : ':' + std::to_string(where.line));
}

/// Certificates carry names in a field of this length (X.520 ub-common-name).
constexpr std::size_t longest_name = 64;

/// Names become folders and parts of dotted paths.
void check_plain_name(const settings& all, const std::string& path, problems& out) {
    const std::string& name = all.text(path);
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (name.empty() || name.size() > longest_name || name.find_first_not_of(allowed) != std::string::npos)
        out.push_back({all.where(path), path,
                       "expected a name of at most 64 letters, digits, - and _, got \"" + name + '"'});
}

void check_domain_names(const settings& all, problems& out) {
    // dom0, and the parts of the machine that stand beside the domains in the tree of names.
    std::map<std::string, std::string> owner = {{"dom0", "dom0"}, {"Domain-0", "dom0"}};
    for (const char* part : {"tpm", "xen", "xenstored", "blkback", "toolstack", "operator"})
        owner.emplace(part, "a part of the machine");
    auto claim = [&](const std::string& name, const std::string& path) {
        auto [found, fresh] = owner.emplace(name, path);
        if (!fresh)
            out.push_back(
                {all.where(path), path, "the name \"" + name + "\" is taken already: " + found->second});
        if (name.size() > longest_name)
            out.push_back({all.where(path), path, "expected a name of at most 64 characters"});
    };
    claim(all.text("manager.name"), "manager.name");
    for (const std::string& name : all.names_below("vtpm"))
        claim(name, "vtpm." + name);
    for (const std::string& name : all.names_below("guest"))
        claim(name, "guest." + name);
}

/// A word of a command line that this machine does not follow, and what to say about it.
struct refused_word {
    const char* start;
    const char* reason;
};

/// Options that would be read and then not followed are refused instead.
void check_words(const settings& all, const std::string& path, std::initializer_list<refused_word> refused,
                 problems& out) {
    for (const auto& [start, reason] : refused)
        if ((' ' + all.text(path)).find(std::string(" ") + start) != std::string::npos)
            out.push_back({all.where(path), path, reason});
}

void check_manager(const settings& all, problems& out) {
    check_words(
        all, "manager.extra",
        {{"tpmlocality=", "tpmlocality= belongs into manager.locality"},
         {"tpmdriver=tpmfront", "the manager drives the machine's own TPM; expected no tpmdriver=tpmfront"},
         {"tpmiomem=", "the chip lies at 0xfed40000; expected no tpmiomem="},
         {"tpmirq=", "the driver polls; expected no tpmirq="},
         {"tpm2=1", "the machine's chip is a TPM 1.2; expected no tpm2=1"}},
        out);
}

void check_vtpms(const settings& all, problems& out) {
    const std::string manager = all.text("manager.name");
    std::map<std::string, std::string> uuid_of;
    std::string administrator;
    for (const std::string& name : all.names_below("vtpm")) {
        const std::string path = "vtpm." + name;
        check_words(
            all, path + ".extra",
            {{"hwinitpcr=", "PCRs of the hardware TPM are not copied into a vTPM; expected no hwinitpcr="}},
            out);
        const std::string& backend = all.text(path + ".backend");
        if (backend != manager)
            out.push_back(
                {all.where(path + ".backend"), path + ".backend",
                 "unknown backend \"" + backend + "\"; the manager's domain is \"" + manager + '"'});
        auto [found, fresh] = uuid_of.emplace(all.text(path + ".uuid"), path);
        if (!fresh)
            out.push_back(
                {all.where(path + ".uuid"), path + ".uuid",
                 "the same UUID as " + found->second + " (" + at(all.where(found->second + ".uuid")) + ')'});
        if (!all.boolean(path + ".administrator"))
            continue;
        if (all.text(path + ".version") != "1.2")
            out.push_back({all.where(path + ".version"), path + ".version",
                           "dom0's driver knows TPM 1.2 only; expected 1.2 for the administrator's vTPM"});
        if (administrator.empty())
            administrator = path;
        else
            out.push_back({all.where(path + ".administrator"), path + ".administrator",
                           "the administrator's vTPM is already " + administrator});
    }
    if (administrator.empty())
        out.push_back({all.where("vtpm"), "vtpm", "one vTPM must have administrator = true, for dom0"});
}

void check_guests(const settings& all, problems& out) {
    std::vector<std::string> vtpms = all.names_below("vtpm");
    std::map<std::string, std::string> guest_of;
    for (const std::string& name : all.names_below("guest")) {
        const std::string path = "guest." + name + ".vtpm";
        const std::string& vtpm = all.text(path);
        if (std::find(vtpms.begin(), vtpms.end(), vtpm) == vtpms.end()) {
            out.push_back({all.where(path), path, "unknown vTPM \"" + vtpm + '"' + suggestion(vtpm, vtpms)});
            continue;
        }
        if (all.boolean("vtpm." + vtpm + ".administrator"))
            out.push_back(
                {all.where(path), path, "\"" + vtpm + "\" is the administrator's vTPM, attached to dom0"});
        auto [found, fresh] = guest_of.emplace(vtpm, path);
        if (!fresh)
            out.push_back({all.where(path), path,
                           "\"" + vtpm + "\" serves another guest: " + found->second + " (" +
                               at(all.where(found->second)) + ')'});
    }
}

/// A TPM 2.0 has one command for quotes.
void check_quotes(const settings& all, problems& out) {
    const auto check = [&](const std::string& path, const std::string& version) {
        if (all.has(path) && all.has(version) && all.text(version) != "1.2")
            out.push_back({all.where(path), path,
                           "a TPM 2.0 quotes by TPM2_Quote; expected no such key, or a TPM 1.2"});
    };
    for (const std::string& name : all.names_below("guest")) {
        const std::string guest = "guest." + name, reference = "verifier.reference." + name;
        check(guest + ".quote", "vtpm." + all.text(guest + ".vtpm") + ".version");
        check(reference + ".quote", reference + ".vtpm_version");
    }
}

void check_loads(const settings& all, problems& out) {
    for (const std::string& name : all.names_below("guest")) {
        const std::string load = "guest." + name + ".load";
        if (!all.has_section(load))
            continue;
        const std::uint64_t count = all.integer(load + ".count"), duration = all.integer(load + ".duration"),
                            warm_up = all.integer(load + ".warm_up");
        if (count == 0 && duration == 0)
            out.push_back({all.where(load), load, "expected a count or a duration, or the load never ends"});
        if (duration != 0 && warm_up >= duration)
            out.push_back({all.where(load + ".warm_up"), load + ".warm_up",
                           "expected less than the load's duration, or nothing is left to be measured"});
        if (all.text(load + ".loop") == "open" && all.integer(load + ".interval") == 0)
            out.push_back({all.where(load + ".interval"), load + ".interval",
                           "expected a time above zero between arrivals of an open loop"});
    }
}

/// Sections about a guest must name one.
void check_guest_sections(const settings& all, const std::string& section, problems& out) {
    std::vector<std::string> guests = all.names_below("guest");
    for (const std::string& name : all.names_below(section)) {
        if (std::find(guests.begin(), guests.end(), name) == guests.end())
            out.push_back({all.where(section + '.' + name), section + '.' + name,
                           "unknown guest" + suggestion(name, guests)});
    }
}

}  // namespace

std::vector<problem> check_topology(const settings& all) {
    problems out;
    for (const char* path : {"name", "machine.name", "manager.name", "verifier.name"})
        check_plain_name(all, path, out);
    check_manager(all, out);
    check_domain_names(all, out);
    check_vtpms(all, out);
    check_guests(all, out);
    check_quotes(all, out);
    check_loads(all, out);
    check_guest_sections(all, "verifier.reference", out);
    check_guest_sections(all, "expect", out);
    for (const char* path : {"verifier.vtpm_pcrs", "verifier.hardware_pcrs"})
        if (all.numbers(path).empty())
            out.push_back({all.where(path), path, "expected at least one PCR, got none"});
    return out;
}

}  // namespace vtwin::scenario
