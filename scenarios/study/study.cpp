#include "scenarios/study/study.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cmath>

#include "models/hex.h"
#include "scenarios/config/files.h"
#include "scenarios/config/scenario.h"
#include "scenarios/schema/units.h"
#include "scenarios/schema/writer.h"

namespace vtwin::scenario::study {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> study_keys = {"description", "title",   "scenario", "replications",
                                             "first_seed",  "metrics", "deadline", "base",
                                             "sweep",       "formula"};
const std::vector<std::string> sweep_keys = {"key",  "keys", "name",   "values", "labels",
                                             "from", "to",   "points", "spacing"};
const std::vector<std::string> formula_keys = {"kind", "only"};

constexpr std::size_t most_points = 10000;

/// The text of a scalar as `--set` takes it; nullopt for tables and lists.
std::optional<std::string> text_of(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>())
        return *text;
    if (const auto number = node.value_exact<std::int64_t>())
        return std::to_string(*number);
    if (const auto flag = node.value_exact<bool>())
        return *flag ? "true" : "false";
    return std::nullopt;
}

class study_reader {
  public:
    study_reader(std::string shown, fs::path folder)
        : m_shown(std::move(shown)), m_folder(std::move(folder)) {}

    study read(const toml::table& table) {
        check_keys(table, study_keys, "");
        m_study.description = text(table, "description", "");
        m_study.title = text(table, "title", "");
        m_study.scenario = find_scenario(text(table, "scenario", ""));
        if (m_study.scenario.empty())
            complain(table, "scenario", "missing; expected the scenario that is to be varied");
        m_study.replications = number(table, "replications", 1, 1, 1000);
        m_study.first_seed = number(table, "first_seed", 1, 0, INT32_MAX);
        m_study.metrics = words(table, "metrics");
        if (const toml::node* node = table.get("deadline"))
            m_study.deadline = time_of(*node);
        read_base(table);
        each_table(table, "sweep", [this](const toml::table& each) { read_sweep(each); });
        each_table(table, "formula", [this](const toml::table& each) { read_formula(each); });
        std::size_t points = m_study.replications;
        for (const sweep& each : m_study.sweeps)
            points = std::min(points * std::max<std::size_t>(each.values.size(), 1), most_points + 1);
        if (points > most_points)
            complain(table, "sweep", "expected at most 10000 points in all");
        if (!m_problems.empty())
            throw user_error(std::move(m_problems));
        return std::move(m_study);
    }

  private:
    origin at(const toml::node& node) const { return {m_shown, node.source().begin.line}; }
    void complain(const toml::node& node, const std::string& key, const std::string& what) {
        m_problems.push_back({at(node), key, what});
    }
    void check_keys(const toml::table& table, const std::vector<std::string>& known,
                    const std::string& prefix) {
        for (const auto& [key, node] : table)
            if (std::ranges::find(known, key.str()) == known.end())
                complain(node, prefix + std::string(key.str()),
                         "unknown key" + suggestion(std::string(key.str()), known));
    }
    std::string text(const toml::table& table, const char* key, const std::string& standard) {
        const toml::node* node = table.get(key);
        if (!node)
            return standard;
        const auto found = node->value_exact<std::string>();
        if (!found)
            complain(*node, key, "expected a text");
        return found.value_or(standard);
    }
    std::uint64_t number(const toml::table& table, const char* key, std::uint64_t standard,
                         std::int64_t least, std::int64_t most) {
        const toml::node* node = table.get(key);
        if (!node)
            return standard;
        const auto found = node->value_exact<std::int64_t>();
        if (found && *found >= least && *found <= most)
            return static_cast<std::uint64_t>(*found);
        complain(*node, key,
                 "expected a whole number from " + std::to_string(least) + " to " + std::to_string(most));
        return standard;
    }
    std::vector<std::string> words(const toml::table& table, const char* key) {
        std::vector<std::string> list;
        const toml::node* node = table.get(key);
        if (!node)
            return list;
        const toml::array* array = node->as_array();
        for (std::size_t i = 0; array && i < array->size(); ++i)
            if (const auto word = text_of((*array)[i]))
                list.push_back(*word);
        if (!array || list.size() != array->size())
            complain(*node, key, "expected a list of words");
        return list;
    }
    sc_core::sc_time time_of(const toml::node& node) {
        const auto text = node.value_exact<std::string>();
        const auto time = text ? parse_time(*text) : std::nullopt;
        if (!time || *time == 0)
            complain(node, "deadline", "expected a time such as \"5 ms\"");
        return sc_core::sc_time::from_value(time.value_or(1));
    }
    /// Beside the study, or a name that load_scenario knows.
    std::string find_scenario(const std::string& name) const {
        std::error_code ignored;
        for (const std::string& candidate : {name, name + ".toml"})
            if (!name.empty() && fs::is_regular_file(m_folder / candidate, ignored))
                return (m_folder / candidate).lexically_normal().string();
        return name;
    }
    template <typename Function>
    void each_table(const toml::table& table, const char* key, const Function& function) {
        const toml::node* node = table.get(key);
        if (!node)
            return;
        const toml::array* array = node->as_array();
        if (!array || !array->is_homogeneous(toml::node_type::table))
            return complain(*node, key, std::string("expected tables: [[") + key + "]]");
        for (const toml::node& each : *array)
            function(*each.as_table());
    }
    std::string option(const toml::node& node) const {
        const origin where = at(node);
        return where.file + ':' + std::to_string(where.line);
    }
    void read_base(const toml::table& table) {
        const toml::node* node = table.get("base");
        if (!node)
            return;
        const toml::table* base = node->as_table();
        if (!base)
            return complain(*node, "base",
                            "expected a table of scenario keys: \"guest.g1.memory\" = \"16 MiB\"");
        for (const auto& [key, each] : *base) {
            if (const auto value = text_of(each))
                m_study.base.push_back({std::string(key.str()), *value, option(each)});
            else
                complain(each, "base." + std::string(key.str()),
                         "expected one value; keys with dots stand in quotes");
        }
    }
    void read_sweep(const toml::table& table) {
        check_keys(table, sweep_keys, "sweep.");
        sweep made;
        made.where = at(table);
        made.keys = words(table, "keys");
        if (const std::string key = text(table, "key", ""); !key.empty())
            made.keys.insert(made.keys.begin(), key);
        if (made.keys.empty())
            return complain(table, "sweep", "missing key; expected the scenario key that is to be varied");
        made.name = text(table, "name", made.keys.front());
        if (table.contains("from") || table.contains("to"))
            read_range(table, made);
        else
            read_values(table, made);
        if (table.contains("labels"))
            made.labels = words(table, "labels");
        else
            for (const auto& step : made.values)
                made.labels.push_back(step.empty() ? "" : step.front());
        if (made.labels.size() != made.values.size())
            complain(table, "sweep.labels", "expected one label per value");
        m_study.sweeps.push_back(std::move(made));
    }
    void read_values(const toml::table& table, sweep& made) {
        const toml::array* steps = table.get_as<toml::array>("values");
        if (!steps || steps->empty())
            return complain(table, "sweep.values", "expected a list of values, or from, to and points");
        for (const toml::node& step : *steps) {
            std::vector<std::string> texts;
            if (const toml::array* pair = step.as_array()) {
                for (const toml::node& each : *pair)
                    texts.push_back(text_of(each).value_or(""));
            } else {
                texts.push_back(text_of(step).value_or(""));
            }
            if (texts.size() != made.keys.size())
                complain(step, "sweep.values",
                         "expected " + std::to_string(made.keys.size()) + " value(s) per step, one per key");
            made.values.push_back(std::move(texts));
        }
    }
    void read_range(const toml::table& table, sweep& made) {
        const std::uint64_t points = number(table, "points", 2, 2, 1000);
        const std::string spacing = text(table, "spacing", "linear");
        if (spacing != "linear" && spacing != "log")
            complain(table, "sweep.spacing", "expected \"linear\" or \"log\", got \"" + spacing + '"');
        if (made.keys.size() != 1)
            return complain(table, "sweep.keys", "expected one key for a range");
        const toml::node *from = table.get("from"), *to = table.get("to");
        const auto low = from ? text_of(*from) : std::nullopt, high = to ? text_of(*to) : std::nullopt;
        const auto low_time = low ? parse_time(*low) : std::nullopt,
                   high_time = high ? parse_time(*high) : std::nullopt;
        const bool times = low_time && high_time;
        const auto number_of = [](const toml::node* node) {
            return node ? node->value_exact<std::int64_t>().value_or(-1) : -1;
        };
        const std::int64_t first = times ? static_cast<std::int64_t>(*low_time) : number_of(from);
        const std::int64_t last = times ? static_cast<std::int64_t>(*high_time) : number_of(to);
        if (first < 0 || last <= first || (spacing == "log" && first == 0))
            return complain(
                table, "sweep",
                "expected from below to, both whole numbers or both times, above 0 with spacing = \"log\"");
        for (const std::uint64_t value : spread(static_cast<std::uint64_t>(first),
                                                static_cast<std::uint64_t>(last), points, spacing == "log"))
            made.values.push_back({times ? print_time(value) : std::to_string(value)});
    }
    void read_formula(const toml::table& table) {
        check_keys(table, formula_keys, "formula.");
        const std::vector<std::string> names = {"saturation", "m_d_1", "sum"};
        const std::string kind = text(table, "kind", "");
        const auto found = std::ranges::find(names, kind);
        if (found == names.end())
            return complain(table, "formula.kind",
                            "unknown formula \"" + kind + '"' + suggestion(kind, names));
        m_study.formulas.push_back({static_cast<formula::kind>(found - names.begin()), words(table, "only")});
    }

    std::string m_shown;
    fs::path m_folder;
    study m_study;
    std::vector<problem> m_problems;
};

fs::path studies_folder() {
    return default_library() / "studies";
}

bool is_study(const fs::path& file) {
    return toml::parse(read_text_file(file, file.string()), file.string()).contains("sweep");
}

fs::path find_study(const std::string& file) {
    std::error_code ignored;
    if (fs::exists(file, ignored) || file.find('/') != std::string::npos)
        return file;
    fs::path shipped = studies_folder() / (file.ends_with(".toml") ? file : file + ".toml");
    if (fs::exists(shipped, ignored))
        return shipped;
    std::vector<std::string> names;
    for (const study_entry& each : list_studies())
        names.push_back(each.name);
    throw user_error({file, 0}, "", "no such file, nor a study of the library" + suggestion(file, names));
}

/// Rounded to three significant digits: libraries of mathematics differ in the last ones.
std::uint64_t rounded(double value) {
    double unit = 1;
    while (value / unit >= 1000)
        unit *= 10;
    return static_cast<std::uint64_t>(std::floor(value / unit + 0.5) * unit);
}

}  // namespace

std::vector<std::uint64_t> spread(std::uint64_t from, std::uint64_t to, std::size_t points,
                                  bool logarithmic) {
    std::vector<std::uint64_t> values{from};
    const auto low = static_cast<double>(from), high = static_cast<double>(to);
    for (std::size_t i = 1; i + 1 < points; ++i) {
        const double part = static_cast<double>(i) / static_cast<double>(points - 1);
        const std::uint64_t value =
            rounded(logarithmic ? low * std::pow(high / low, part) : low + (high - low) * part);
        if (value > values.back() && value < to)
            values.push_back(value);
    }
    values.push_back(to);
    return values;
}

study read_study(const std::string& file) {
    const fs::path path = find_study(file);
    const std::string content = read_text_file(path, file);
    study made;
    try {
        made = study_reader(file, fs::absolute(path).parent_path()).read(toml::parse(content, file));
    } catch (const toml::parse_error& error) {
        throw user_error({file, error.source().begin.line}, "",
                         "not valid TOML: " + std::string(error.description()));
    }
    made.name = path.stem().string();
    if (made.title.empty())
        made.title = made.name;
    // The first setting stands for the scenario and all that it takes from profiles and other scenarios.
    const std::string everything =
        content + '\n' + VTWIN_VERSION + '\n' +
        write_settings(load_scenario(made.scenario, settings_of(made).front().overrides).all);
    made.identity = models::to_hex(sha256(std::as_bytes(std::span(everything))));
    return made;
}

std::vector<setting> settings_of(const study& what) {
    std::vector<setting> made{{{}, what.base}};
    for (const sweep& each : what.sweeps) {
        std::vector<setting> longer;
        for (const setting& start : made)
            for (std::size_t i = 0; i < each.values.size(); ++i) {
                setting next = start;
                next.labels.push_back(each.labels[i]);
                for (std::size_t k = 0; k < each.keys.size(); ++k)
                    next.overrides.push_back({each.keys[k], each.values[i][k],
                                              each.where.file + ':' + std::to_string(each.where.line)});
                longer.push_back(std::move(next));
            }
        made = std::move(longer);
    }
    return made;
}

std::uint64_t points_of(const study& what) {
    std::uint64_t points = what.replications;
    for (const sweep& each : what.sweeps)
        points *= each.values.size();
    return points;
}

point_place place_of(const study& what, std::uint64_t number) {
    return {static_cast<std::size_t>(number / what.replications),
            what.first_seed + number % what.replications};
}

std::uint64_t number_of(const study& what, const point_place& place) {
    return place.setting * what.replications + (place.seed - what.first_seed);
}

std::string label_of(const study& what, const setting& which) {
    std::string text;
    for (std::size_t i = 0; i < which.labels.size(); ++i)
        text += (i == 0 ? "" : ", ") + what.sweeps[i].name + '=' + which.labels[i];
    return text.empty() ? "all" : text;
}

std::vector<study_entry> list_studies() {
    std::vector<study_entry> list;
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(studies_folder(), ignored)) {
        if (entry.path().extension() != ".toml" || !is_study(entry.path()))
            continue;
        list.push_back({entry.path().stem().string(), read_study(entry.path().string()).description});
    }
    std::ranges::sort(list, {}, &study_entry::name);
    return list;
}

}  // namespace vtwin::scenario::study
