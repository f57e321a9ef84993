// Results of parts to one file, and one file to parts.
#include <SQLiteCpp/Database.h>
#include <fmt/format.h>

#include <map>
#include <utility>

#include "scenarios/campaign/database.h"
#include "scenarios/campaign/identity.h"
#include "scenarios/study/results.h"

namespace vtwin::scenario::study {
namespace {

using place = std::pair<std::size_t, std::uint64_t>;

place where(const stored_point& point) {
    return {point.setting, point.seed};
}

/// A point's result as text; figures as short as they read back.
std::string text_of(const stored_point& point) {
    std::string text = fmt::format("{} {} {}\n", point.setting, point.seed, point.problem);
    for (const auto& [name, value] : point.values)
        text += fmt::format("{} {}\n", name, value);
    for (const double value : point.quantiles)
        text += fmt::format("{} ", value);
    return text + '\n';
}

void check_complete(const std::map<place, stored_point>& found, const std::filesystem::path& file,
                    const study& what) {
    std::string first;
    std::uint64_t missing = 0;
    const auto settings = settings_of(what);
    for (std::uint64_t number = 0; number < points_of(what); ++number) {
        const auto each = place_of(what, number);
        if (found.contains(place{each.setting, each.seed}))
            continue;
        if (missing++ == 0)
            first = fmt::format("{}, seed {}", label_of(what, settings[each.setting]), each.seed);
    }
    if (missing != 0)
        throw user_error({file.string(), 0}, "",
                         fmt::format("nothing is merged: {} of {} points are in none of the parts ({}{})",
                                     missing, points_of(what), first, missing == 1 ? "" : ", ..."));
}

}  // namespace

std::optional<std::uint64_t> points_in(const std::filesystem::path& file) {
    try {
        constexpr int patience_ms = 1000;
        SQLite::Database database(file.string(), SQLite::OPEN_READONLY, patience_ms);
        return static_cast<std::uint64_t>(database.execAndGet("SELECT count(*) FROM points").getInt64());
    } catch (const SQLite::Exception&) {
        return std::nullopt;
    }
}

void merge_results(const std::filesystem::path& file, const std::vector<std::filesystem::path>& parts,
                   const study& what, bool complete) {
    const writer_lock alone(file);
    std::map<place, stored_point> there, more;
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored))
        for (const auto& point : results(file, what, false).all())
            there.emplace(where(point), point);
    auto found = there;
    for (const auto& part : parts)
        for (const auto& point : results(part, what, false).all()) {
            const auto [known, fresh] = found.emplace(where(point), point);
            if (fresh)
                more.emplace(where(point), point);
            else if (text_of(known->second) != text_of(point))
                throw user_error(
                    {part.string(), 0}, "",
                    fmt::format("{}, seed {} came to something else than in another part",
                                label_of(what, settings_of(what).at(point.setting)), point.seed));
        }
    if (complete)
        check_complete(found, file, what);
    const auto settings = settings_of(what);
    results merged(file, what, true);
    for (const auto& [_, point] : more)
        merged.add(point, label_of(what, settings.at(point.setting)));
}

void split_results(const std::filesystem::path& whole, const std::filesystem::path& file, const study& what,
                   const shard& part) {
    const auto settings = settings_of(what);
    results made(file, what, true);
    std::error_code ignored;
    if (!std::filesystem::exists(whole, ignored))
        return;
    for (const auto& point : results(whole, what, false).all())
        if (part.has(number_of(what, {point.setting, point.seed})))
            made.add(point, label_of(what, settings.at(point.setting)));
}

std::string result_hash(const study& what, const std::vector<stored_point>& points) {
    std::string text = what.identity + '\n';
    std::map<place, const stored_point*> ordered;
    for (const auto& point : points)
        ordered[where(point)] = &point;
    for (const auto& [_, point] : ordered)
        text += text_of(*point);
    return digest_of(text);
}

}  // namespace vtwin::scenario::study
