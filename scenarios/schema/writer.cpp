#include "scenarios/schema/writer.h"

#include <algorithm>

namespace vtwin::scenario {
namespace {

bool is_number(std::string_view segment) {
    return std::all_of(segment.begin(), segment.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string section_of(const std::string& path) {
    std::size_t dot = path.rfind('.');
    return dot == std::string::npos ? "" : path.substr(0, dot);
}

std::string name_of(const std::string& path) {
    return path.substr(path.rfind('.') + 1);
}

/// "[guest.guest1]", or "[[machine.firmware]]" for one element of an array of tables.
std::string section_header(const std::string& section) {
    if (is_number(name_of(section)))
        return "\n[[" + section_of(section) + "]]\n";
    return "\n[" + section + "]\n";
}

}  // namespace

std::string write_settings(const settings& all) {
    std::map<std::string, std::string, path_less> sections;
    // A section without keys still says that its thing exists; an array of tables shows in its elements.
    for (const auto& [path, where] : all.sections()) {
        if (path.empty())
            continue;
        if (!is_array(path))
            sections[path];
        else if (!all.has_section(path + ".0"))
            sections[section_of(path)] += name_of(path) + " = []\n";
    }
    for (const auto& [path, entry] : all.entries()) {
        const key_declaration* key = find_key(path);
        sc_assert(key != nullptr);
        sections[section_of(path)] += name_of(path) + " = " + print_value(*key, entry.content) + '\n';
    }
    std::string text =
        "# Every setting of a run, defaults filled in. Running this file gives the same run again.\n\n";
    for (const auto& [section, lines] : sections)
        text += (section.empty() ? "" : section_header(section)) + lines;
    return text;
}

}  // namespace vtwin::scenario
