#include "scenarios/campaign/campaign_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/campaign/table_reader.h"
#include "scenarios/schema/units.h"

namespace vtwin::scenario {
namespace {

std::optional<outcome_set> read_allowed(table_reader& in) {
    const auto words = in.words("allowed");
    if (!words)
        return std::nullopt;
    outcome_set made;
    for (const auto& word : *words) {
        if (const auto which = parse_outcome_class(word))
            made.add(*which);
        else
            in.refuse("allowed", fmt::format("'{}' is no outcome class; they are {}", word,
                                             fmt::join(outcome_codes(), ", ")));
    }
    return made;
}

std::uint32_t to_per_million(double ratio) {
    return static_cast<std::uint32_t>(std::max(1L, std::lround(ratio * 1'000'000)));
}

std::vector<std::pair<std::string, dimension>> read_dimensions(table_reader& in, std::string_view key) {
    std::vector<std::pair<std::string, dimension>> all;
    if (auto table = in.below(key))
        for (const auto& name : table->keys())
            if (auto values = table->values(name); values.given())
                all.emplace_back(name, std::move(values));
    std::ranges::sort(all, {}, [](const auto& each) { return each.first; });
    return all;
}

dimension read_words(table_reader& in, std::string_view key) {
    auto words = in.words(key);
    return words ? dimension(std::move(*words)) : dimension();
}

void read_nth(table_reader& in, fault_pattern& made) {
    made.nth = in.values("nth");
    made.every_crossing = made.nth.size() == 1 && made.nth.at(0) == "all";
    if (made.every_crossing)
        made.nth = {};
    else if (made.nth.given())
        made.nth = in.counts("nth");
    if (!made.nth.given())
        made.nth = dimension(dimension::form::number, 1, 1, 1);
}

fault_pattern read_pattern(table_reader& in) {
    fault_pattern made;
    made.name = in.path();
    made.where_written = in.where();
    made.kind = in.text("kind").value_or("");
    for (const std::string key : {"kind", "target"})
        if (!in.has(key))
            in.refuse(key, "missing");
    made.target = read_words(in, "target");
    made.on = read_words(in, "on");
    made.where = read_dimensions(in, "where");
    made.with = read_dimensions(in, "with");
    read_nth(in, made);
    made.at = in.times("at");
    made.duration = in.duration("duration");
    made.count = in.number("count", 0, UINT32_MAX).value_or(made.duration ? 0 : 1);
    if (const auto probability = in.ratio("probability", 0, 1))
        made.per_million = to_per_million(*probability);
    return made;
}

/// Each write and flush of a disk, one by one.
void read_crash_points(table_reader& in, campaign_stratum& made) {
    for (auto& pattern : made.faults) {
        if (!pattern.on.given()) {
            in.refuse("sample", "\"every crash point\" needs 'on': the disk whose writes are counted");
            return;
        }
        pattern.every_crossing = true;
        const auto is_operation = [](const auto& each) { return each.first == "operation"; };
        if (std::ranges::none_of(pattern.where, is_operation))
            pattern.where.insert(std::ranges::lower_bound(pattern.where, std::string("operation"), {},
                                                          [](const auto& each) { return each.first; }),
                                 {"operation", dimension(std::vector<std::string>{"write|flush"})});
    }
}

void read_sample_word(table_reader& in, campaign_stratum& made) {
    const auto word = in.text("sample");
    if (word == "every crash point")
        read_crash_points(in, made);
    else if (word && word != "exhaustive")
        in.refuse("sample", fmt::format("expected \"exhaustive\", \"every crash point\", {{ n = ... }} or "
                                        "{{ margin = ..., confidence = ... }}, got \"{}\"{}",
                                        *word, suggestion(*word, {"exhaustive", "every crash point"})));
}

void read_sample(table_reader& in, const toml::table& table, campaign_stratum& made) {
    const auto* node = table.get("sample");
    if (node == nullptr || !node->is_table())
        return read_sample_word(in, made);
    auto sample = in.below("sample");
    if (sample->has("n")) {
        made.sample.how = sampling::rule::number;
        made.sample.number = sample->number("n", 1, most_runs).value_or(1);
    } else {
        made.sample.how = sampling::rule::margin;
        made.sample.margin = sample->ratio("margin", 0, 1).value_or(0.05);
        made.sample.confidence = sample->ratio("confidence", 0, 0.999999).value_or(0.95);
        if (!sample->has("margin"))
            sample->refuse("margin", "missing; or n = so many runs");
    }
    sample->finish();
}

campaign_stratum read_stratum(const std::string& name, table_reader& in, const toml::table& table) {
    campaign_stratum made;
    made.name = name;
    made.where_written = in.where();
    made.description = in.text("description").value_or("");
    made.allowed = read_allowed(in);
    made.weight = in.ratio("weight", 0, 1e12);
    if (in.has("faults")) {
        for (auto& each : in.list("faults")) {
            made.faults.push_back(read_pattern(each));
            each.finish();
        }
        if (made.faults.size() > 4)
            in.refuse("faults", "at most 4 faults at once");
    } else {
        made.faults.push_back(read_pattern(in));
    }
    read_sample(in, table, made);
    if (name == null_stratum)
        in.refuse("", "this name is that of the runs without faults; choose another");
    in.finish();
    return made;
}

campaign_variant read_variant(const std::string& name, table_reader& in) {
    campaign_variant made;
    made.name = name;
    made.allowed = read_allowed(in);
    for (const auto& key : in.keys()) {
        if (key == "allowed")
            continue;
        if (key == "seed")
            in.refuse(key, "seeds are the campaign's: 'seeds'");
        else if (auto text = in.setting(key))
            made.overrides.push_back({key, *text, fmt::format("{}: {}", in.file(), in.path())});
    }
    return made;
}

void read_limits(table_reader& in, campaign& made) {
    auto limits = in.below("limits");
    if (!limits)
        return;
    constexpr std::uint64_t second = 1'000'000'000'000;
    if (const auto cpu = limits->duration("cpu")) {
        made.limits.cpu_seconds = (*cpu + second - 1) / second;
        if (*cpu == 0)
            limits->refuse("cpu", "expected more than no time");
    }
    if (const auto memory = limits->size("memory")) {
        made.limits.memory = *memory;
        if (*memory < (64ULL << 20))
            limits->refuse("memory", "a run needs at least 64 MiB");
    }
    if (const auto simulated = limits->duration("simulated"))
        for (auto& variant : made.variants)
            variant.overrides.push_back(
                {"time_limit", print_time(*simulated), fmt::format("{}: limits.simulated", in.file())});
    limits->finish();
}

void read_head(table_reader& in, const std::string& standard_name, campaign& made) {
    made.name = in.text("name").value_or(standard_name);
    made.description = in.text("description").value_or("");
    if (auto scenario = in.text("scenario"))
        made.scenario = *scenario;
    else if (!in.has("scenario"))
        in.refuse("scenario", "missing; the path of a scenario file, or the name of one in the library");
    made.seed = in.number("seed", 0, INT64_MAX).value_or(1);
    made.seeds = in.seeds("seeds").value_or(std::vector<std::uint64_t>{1});
    made.null_runs = in.number("null", 0, 1'000'000).value_or(0);
    made.allowed = read_allowed(in);
    made.confidence = in.ratio("confidence", 0, 0.999999).value_or(0.95);
}

campaign read_table(const toml::table& table, const std::string& shown_name, const std::string& standard_name,
                    std::vector<problem>& problems) {
    campaign made;
    table_reader in(table, shown_name, "", "", problems);
    read_head(in, standard_name, made);
    for (auto& [name, below] : in.named("variants"))
        made.variants.push_back(read_variant(name, below));
    if (made.variants.empty())
        made.variants.emplace_back();
    for (auto& [name, below] : in.named("strata"))
        made.strata.push_back(read_stratum(name, below, *table["strata"][name].as_table()));
    for (auto& [name, below] : in.named("noise")) {
        campaign_noise noise{read_pattern(below)};
        if (const auto share = below.ratio("share", 0, 1))
            noise.per_million = to_per_million(*share);
        below.finish();
        made.noise.push_back(std::move(noise));
    }
    read_limits(in, made);
    in.finish();
    if (made.strata.empty() && made.null_runs == 0)
        in.refuse("", "nothing to run: a campaign has [strata.<name>] tables, or null = so many runs");
    return made;
}

}  // namespace

campaign read_campaign_text(const std::string& text, const std::string& shown_name,
                            const std::string& standard_name, std::vector<problem>& problems) {
    try {
        const toml::table table = toml::parse(text, shown_name);
        auto made = read_table(table, shown_name, standard_name, problems);
        made.text = text;
        made.file = shown_name;
        return made;
    } catch (const toml::parse_error& error) {
        throw user_error({shown_name, error.source().begin.line}, "",
                         "not valid TOML: " + std::string(error.description()));
    }
}

}  // namespace vtwin::scenario
