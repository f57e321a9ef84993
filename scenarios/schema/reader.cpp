#include "scenarios/schema/reader.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "models/behaviours/behaviours.h"
#include "scenarios/schema/value_parser.h"

namespace vtwin::scenario {
namespace {

constexpr std::string_view behaviours_section = "behaviours.";

std::vector<std::string> behaviour_paths() {
    std::vector<std::string> paths;
    for (const models::behaviour_info& each : models::all_behaviours())
        paths.push_back(std::string(behaviours_section) + std::string(each.name));
    return paths;
}

/// The declaration for a path, or nullptr and a problem that names the nearest key.
const key_declaration* known_key(const std::string& path, const origin& where,
                                 std::vector<problem>& problems) {
    const key_declaration* key = find_key(path);
    bool behaviour = path.starts_with(behaviours_section);
    if (key && behaviour && !models::find_behaviour(path.substr(behaviours_section.size())))
        key = nullptr;
    if (!key)
        problems.push_back(
            {where, path,
             "unknown key" + suggestion(path, behaviour ? behaviour_paths() : candidate_paths(path))});
    return key;
}

class file_reader {
  public:
    file_reader(std::string shown_name, std::filesystem::path folder, settings& out,
                std::vector<problem>& problems)
        : m_shown_name(std::move(shown_name)),
          m_folder(std::move(folder)),
          m_out(&out),
          m_problems(&problems) {}

    void read_table(const toml::table& table, const std::string& prefix) {
        for (const auto& [key, node] : table) {
            std::string name(key.str());
            origin where{m_shown_name, key.source().begin.line};
            // A quoted behaviour name is two segments; any other dot inside a name would be ambiguous.
            if (name.find('.') == std::string::npos || prefix == behaviours_section)
                read_node(node, prefix + name, where);
            else
                m_problems->push_back({where, prefix + name, "a name consists of letters, digits, - and _"});
        }
    }

  private:
    void read_node(const toml::node& node, const std::string& path, const origin& where) {
        if (const toml::table* table = node.as_table(); table && is_section(path)) {
            m_out->add_section(path, where);
            read_table(*table, path + '.');
            return;
        }
        if (const toml::array* array = node.as_array(); array && is_array(path)) {
            read_tables(*array, path, where);
            return;
        }
        const key_declaration* key = known_key(path, where, *m_problems);
        if (!key)
            return;
        parsed_value parsed = parse_value(*key, node, m_folder);
        if (const refusal* refused = std::get_if<refusal>(&parsed))
            m_problems->push_back({where, path, refused->text});
        else
            m_out->set(path, std::get<value>(std::move(parsed)), where);
    }

    void read_tables(const toml::array& array, const std::string& path, const origin& where) {
        m_out->remove_section(path);  // a list replaces the one of the base as a whole
        m_out->add_section(path, where);
        for (std::size_t i = 0; i < array.size(); ++i) {
            const toml::table* table = array[i].as_table();
            if (!table) {
                m_problems->push_back({where, path, "expected a list of tables: [[" + path + "]]"});
                return;
            }
            std::string name = path + '.' + std::to_string(i);
            m_out->add_section(name, {m_shown_name, array[i].source().begin.line});
            read_table(*table, name + '.');
        }
    }

    std::string m_shown_name;
    std::filesystem::path m_folder;
    settings* m_out;
    std::vector<problem>* m_problems;
};

void apply_override(const override_text& change, settings& out, std::vector<problem>& problems) {
    origin where{change.option, 0};
    const key_declaration* key = known_key(change.key, where, problems);
    if (!key)
        return;
    parsed_value parsed = parse_value_text(*key, change.text, std::filesystem::current_path());
    if (const refusal* refused = std::get_if<refusal>(&parsed))
        problems.push_back({where, change.key, refused->text});
    else
        out.set(change.key, std::get<value>(std::move(parsed)), where);
}

}  // namespace

override_text parse_override(const std::string& option) {
    std::size_t equals = option.find('=');
    if (equals == std::string::npos || equals == 0)
        throw user_error({"--set", 0}, "", "expected key=value, got \"" + option + '"');
    return {option.substr(0, equals), option.substr(equals + 1)};
}

std::string read_text_file(const std::filesystem::path& file, const std::string& shown_name) {
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored))
        throw user_error({shown_name, 0}, "", "no such file");
    if (!std::filesystem::is_regular_file(file, ignored))
        throw user_error({shown_name, 0}, "", "not a file");
    std::ifstream in(file, std::ios::binary);
    std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (in.bad() || !in.is_open())
        throw user_error({shown_name, 0}, "", "cannot be read");
    return content;
}

namespace {

/// Where the scenario is that a file names as its base.
std::filesystem::path find_base(const std::string& name, const std::filesystem::path& folder,
                                const std::filesystem::path& library) {
    if (name.find('/') != std::string::npos || name.ends_with(".toml"))
        return (folder / name).lexically_normal();
    return library / (name + ".toml");
}

toml::table parse_file(const std::filesystem::path& file, const std::string& shown_name) {
    const std::string content = read_text_file(file, shown_name);
    try {
        return toml::parse(content, shown_name);
    } catch (const toml::parse_error& error) {
        throw user_error({shown_name, error.source().begin.line}, "",
                         "not valid TOML: " + std::string(error.description()));
    }
}

/// Takes away what a file does not want of its base.
void leave_out(toml::table& table, const std::string& shown_name, settings& out) {
    const auto* node = table.get("without");
    if (node == nullptr)
        return;
    const origin where{shown_name, node->source().begin.line};
    const auto* list = node->as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        const auto section = (*list)[i].value_exact<std::string>();
        if (!section || !out.has_section(*section)) {
            std::vector<std::string> known;
            for (const auto& [name, from] : out.sections())
                known.push_back(name);
            throw user_error(where, "without",
                             "'" + section.value_or("") + "' is no section of the base" +
                                 suggestion(section.value_or(""), known));
        }
        out.remove_section(*section);
    }
    if (list == nullptr)
        throw user_error(where, "without", "expected a list of sections such as [\"guest.guest2\"]");
    table.erase("without");
}

/// Reads a file on top of its bases. `seen`: the files that lead here.
void read_with_bases(const std::filesystem::path& file, const std::string& shown_name,
                     const std::filesystem::path& library, std::vector<std::filesystem::path> seen,
                     settings& out, std::vector<problem>& problems) {
    toml::table table = parse_file(file, shown_name);
    const auto folder = std::filesystem::absolute(file).parent_path();
    if (const auto* node = table.get("base")) {
        const origin where{shown_name, node->source().begin.line};
        const auto name = node->value_exact<std::string>();
        if (!name || name->empty())
            throw user_error(where, "base", "expected the name or path of a scenario");
        const auto base = find_base(*name, folder, library);
        seen.push_back(std::filesystem::absolute(file).lexically_normal());
        if (std::ranges::count(seen, std::filesystem::absolute(base).lexically_normal()) != 0)
            throw user_error(where, "base", "'" + *name + "' leads back to this file");
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(base, ignored))
            throw user_error(where, "base", "no such scenario: " + base.string());
        read_with_bases(base, base.string(), library, std::move(seen), out, problems);
        table.erase("base");
        leave_out(table, shown_name, out);
    }
    file_reader(shown_name, folder, out, problems).read_table(table, "");
}

}  // namespace

settings read_settings(const std::filesystem::path& file, const std::string& shown_name,
                       const std::vector<override_text>& overrides, const std::filesystem::path& library) {
    settings out;
    out.add_section("", {shown_name, 0});
    std::vector<problem> problems;
    read_with_bases(file, shown_name, library, {}, out, problems);
    std::stable_sort(problems.begin(), problems.end(),
                     [](const problem& a, const problem& b) { return a.where.line < b.where.line; });
    for (const override_text& change : overrides)
        apply_override(change, out, problems);
    if (!problems.empty())
        throw user_error(std::move(problems));
    return out;
}

}  // namespace vtwin::scenario
