#include "scenarios/live/pace.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace vtwin::scenario::live {
namespace {

__extension__ using uint128 = unsigned __int128;
constexpr std::uint64_t unit = 1000, most = 1'000'000;
/// Later than all that simulated time can tell, at any pace but a slow one.
constexpr std::int64_t longest_wait_ns = INT64_MAX / 4;

}  // namespace

std::optional<pace> parse_pace(std::string_view text) {
    if (text == "free")
        return pace{};
    if (text == "real")
        return pace{unit};
    double factor = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), factor);
    if (error != std::errc{} || end != text.data() + text.size() || !(factor <= most))
        return std::nullopt;
    const auto permille = std::llround(factor * unit);
    return permille > 0 ? std::optional(pace{static_cast<std::uint64_t>(permille)}) : std::nullopt;
}

sc_core::sc_time paced_clock::simulated_at(wall_time wall) const {
    const auto passed = static_cast<uint128>((wall - m_wall).count() > 0 ? (wall - m_wall).count() : 0);
    const auto ps = passed * ps_per_ns * m_pace.permille / unit;
    if (m_simulated >= horizon() || ps >= (horizon() - m_simulated).value())
        return std::max(m_simulated, horizon());
    return m_simulated + sc_core::sc_time::from_value(static_cast<std::uint64_t>(ps));
}

paced_clock::wall_time paced_clock::wall_at(const sc_core::sc_time& simulated) const {
    const auto passed = simulated > m_simulated ? (simulated - m_simulated).value() : 0;
    const auto ns = static_cast<uint128>(passed) * unit / m_pace.permille / ps_per_ns;
    return m_wall + wall_time(ns < longest_wait_ns ? static_cast<std::int64_t>(ns) : longest_wait_ns);
}

sc_core::sc_time paced_clock::horizon() {
    return sc_core::sc_time::from_value(sc_core::sc_max_time().value() / 2);
}

}  // namespace vtwin::scenario::live
