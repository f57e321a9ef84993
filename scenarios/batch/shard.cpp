#include "scenarios/batch/shard.h"

#include "scenarios/faults/matcher.h"
#include "scenarios/schema/problem.h"

namespace vtwin::scenario {

shard parse_shard(const std::string& text) {
    if (text.empty())
        return {};
    const auto slash = text.find('/');
    const auto index = parse_number(text.substr(0, slash));
    const auto count = slash == std::string::npos ? std::nullopt : parse_number(text.substr(slash + 1));
    if (!index || !count || *index >= *count)
        throw user_error({"--shard", 0}, "", "expected i/n with i from 0 to n-1, got \"" + text + '"');
    return {*index, *count};
}

}  // namespace vtwin::scenario
