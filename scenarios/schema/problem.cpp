#include "scenarios/schema/problem.h"

#include <algorithm>

namespace vtwin::scenario {
namespace {

std::string joined(const std::vector<problem>& problems) {
    std::string text;
    for (const problem& each : problems) {
        if (!text.empty())
            text += '\n';
        text += to_string(each);
    }
    return text;
}

/// Levenshtein distance with a swap of neighbours counted as one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

}  // namespace

std::string to_string(const problem& what) {
    std::string text;
    if (!what.where.file.empty()) {
        text += what.where.file;
        if (what.where.line != 0)
            text += ':' + std::to_string(what.where.line);
        text += ": ";
    }
    if (!what.key.empty())
        text += what.key + ": ";
    return text + what.text;
}

user_error::user_error(std::vector<problem> problems)
    : std::runtime_error(joined(problems)), m_problems(std::move(problems)) {}

user_error::user_error(origin where, std::string key, std::string text)
    : user_error(std::vector<problem>{{std::move(where), std::move(key), std::move(text)}}) {}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
    std::size_t best = std::max<std::size_t>(2, name.size() / 3) + 1;
    std::string found;
    for (const std::string& candidate : candidates) {
        std::size_t distance = edit_distance(name, candidate);
        if (distance < best) {
            best = distance;
            found = candidate;
        }
    }
    return found;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& candidates) {
    std::string near = nearest_name(name, candidates);
    return near.empty() ? "" : "; did you mean '" + near + "'?";
}

}  // namespace vtwin::scenario
