#include "scenarios/faults/wire.h"

#include <algorithm>
#include <array>

#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/matcher.h"

namespace vtwin::scenario {
namespace {

constexpr std::uint32_t certain = 1'000'000;  // parts per million

}  // namespace

std::string_view text_of(wire_class which) {
    constexpr std::array<std::string_view, static_cast<std::size_t>(wire_class::count_)> names = {
        "chip",    "chip_nv", "disk", "domain", "entropy", "hypercall",
        "machine", "memory",  "ring", "tis",    "vcpu",    "xenstore"};
    return names[static_cast<std::size_t>(which)];
}

/// The counter that faults share when they count the same crossings.
struct fault_group {
    std::string on;
    std::vector<condition> where;
    std::optional<sc_core::sc_time> at;
    std::vector<matcher> matchers;
    std::uint64_t occurrences = 0;
    fault_group* successor = nullptr;                    ///< what counts on in its place, once it is retired
    std::multimap<std::uint64_t, armed_fault*> waiting;  ///< by the crossing from which they may act
    std::vector<armed_fault*> eligible;                  ///< past it

    bool counts(const crossing& what, const std::string& stage) const {
        if (at && sc_core::sc_time_stamp() < *at)
            return false;
        return std::ranges::all_of(matchers, [&](const matcher& each) { return each.matches(what, stage); });
    }
    void forget(armed_fault* which) {
        std::erase_if(waiting, [which](const auto& entry) { return entry.second == which; });
        std::erase(eligible, which);
    }
    bool is_eligible(const armed_fault* which) const { return std::ranges::count(eligible, which) != 0; }
};

armed_fault::armed_fault(fault what, std::uint64_t seed) : m_what(std::move(what)), m_seed(seed) {}

// ---- crossings

std::span<fault_effect* const> wire::cross(const crossing& what) {
    ++m_crossings;
    m_acting.clear();
    if (!m_groups.empty())
        m_hub.cross(*this, what);
    ++m_hub.m_position;
    return m_acting;
}

/// What begins may arm others, which adds groups, or be all that is kept (keep_only), which replaces them.
void wire_hub::cross(wire& on, const crossing& what) {
    const auto generation = m_retired.size();
    std::size_t next = 0;
    for (; m_retired.size() == generation && next < on.m_groups.size(); ++next)
        if (on.m_groups[next]->counts(what, m_stage))
            count_in(*on.m_groups[next], on);
    if (m_retired.size() == generation)
        return;
    const auto& before = m_retired.back()[&on];
    for (; next < before.size(); ++next)
        if (auto* successor = before[next]->successor;
            successor != nullptr && successor->counts(what, m_stage))
            count_in(*successor, on);
}

/// One more crossing of a group: whoever is past its first crossing and passes the draw acts on it.
void wire_hub::count_in(fault_group& group, wire& on) {
    ++group.occurrences;
    const auto [first, last] = group.waiting.equal_range(group.occurrences);
    for (auto each = first; each != last; ++each)
        group.eligible.push_back(each->second);
    group.waiting.erase(first, last);
    // A copy: what begins may arm and disarm others.
    for (auto* each : std::vector(group.eligible)) {
        if (!draw(*each))
            continue;
        if (each->m_begun || begin(*each))
            act(*each, on);
        if (each->m_over)
            each->m_group->forget(each);
    }
}

bool wire_hub::draw(armed_fault& candidate) const {
    const auto chance = candidate.m_what.when.per_million;
    if (candidate.m_over || chance >= certain)
        return !candidate.m_over;
    if (!candidate.m_chance)
        candidate.m_chance.emplace(candidate.m_seed, "fault." + candidate.m_what.name);
    return candidate.m_chance->below(certain) < chance;
}

void wire_hub::act(armed_fault& which, wire& on) {
    // Kinds that act at once may be set off by any wire, and a pattern may meet wires of several classes: a
    // tap is only given effects of its own.
    const auto* kind = find_kind(which.m_what.kind);
    const bool belongs = kind == nullptr || (!kind->at_once && kind->target == on.kind());
    if (which.m_effect && belongs)
        on.m_acting.push_back(which.m_effect.get());
    ++which.m_acted;
    const auto& when = which.m_what.when;
    if (when.count != 0 && !when.duration && which.m_acted >= when.count) {
        which.m_over = true;
        on_change(which, false);
    }
}

bool wire_hub::begin(armed_fault& candidate) {
    candidate.m_begun = true;
    if (!may_begin(candidate)) {
        candidate.m_begun = false;
        candidate.m_over = true;
        return false;
    }
    candidate.m_began_at = sc_core::sc_time_stamp();
    on_change(candidate, true);
    if (candidate.m_effect)
        candidate.m_effect->begin();
    if (const auto duration = candidate.m_what.when.duration)
        sc_core::sc_spawn([this, &candidate, length = *duration] {
            sc_core::wait(length);
            finish(candidate);
        });
    return true;
}

void wire_hub::finish(armed_fault& which) {
    if (which.m_over)
        return;
    disarm(which);
    if (which.m_effect)
        which.m_effect->end();
    on_change(which, false);
}

// ---- the inventory

wire_hub::wire_hub(std::vector<std::string> patterns) : m_patterns(std::move(patterns)) {}
wire_hub::~wire_hub() = default;

bool wire_hub::wanted(std::string_view name) const {
    return std::ranges::any_of(m_patterns, [&](const auto& each) { return glob_matches(each, name); });
}

/// Characters behind a pattern's last star decide; a pattern without one has to be long enough itself.
bool wire_hub::may_want_ending(std::string_view ending) const {
    return std::ranges::any_of(m_patterns, [ending](std::string_view pattern) {
        const auto star = pattern.rfind('*');
        const auto tail = star == std::string_view::npos ? pattern : pattern.substr(star + 1);
        if (star == std::string_view::npos && tail.size() < ending.size())
            return false;
        const auto both = std::min(tail.size(), ending.size());
        return glob_matches(tail.substr(tail.size() - both), ending.substr(ending.size() - both));
    });
}

wire& wire_hub::add(const std::string& name, wire_class which) {
    auto& place = m_wires[name];
    if (!place)
        place = std::make_unique<wire>(*this, name, which);
    return *place;
}

wire* wire_hub::find(std::string_view name) const {
    const auto found = m_wires.find(name);
    return found == m_wires.end() ? nullptr : found->second.get();
}

fault_group& wire_hub::group_of(const fault& what) {
    const auto same = [&](const auto& group) {
        return group->on == what.when.on && group->where == what.when.where && group->at == what.when.at;
    };
    if (const auto found = std::ranges::find_if(m_groups, same); found != m_groups.end())
        return **found;
    return add_group(what);
}

fault_group& wire_hub::add_group(const fault& what) {
    auto made = std::make_unique<fault_group>();
    made->on = what.when.on;
    made->where = what.when.where;
    made->at = what.when.at;
    for (const auto& each : what.when.where)
        made->matchers.emplace_back(each);
    for (auto& [name, on] : m_wires)
        if (glob_matches(what.when.on, name))
            on->m_groups.push_back(made.get());
    m_groups.push_back(std::move(made));
    return *m_groups.back();
}

// ---- faults that wait for a time only

void wire_hub::wait_for(armed_fault& which) {
    m_timed.emplace(*which.m_what.when.at, &which);
    if (!m_timed_changed) {
        m_timed_changed = std::make_unique<sc_core::sc_event>("fault_times");
        sc_core::sc_spawn([this] { keep_time(); }, "fault_clock");
    }
    m_timed_changed->notify(sc_core::SC_ZERO_TIME);
}

void wire_hub::keep_time() {
    for (;;) {
        while (!m_timed.empty() && m_timed.begin()->first <= sc_core::sc_time_stamp()) {
            auto* due = m_timed.begin()->second;
            m_timed.erase(m_timed.begin());
            if (!due->m_over && begin(*due))
                ++due->m_acted;
        }
        if (m_timed.empty())
            sc_core::wait(*m_timed_changed);
        else
            sc_core::wait(m_timed.begin()->first - sc_core::sc_time_stamp(), *m_timed_changed);
    }
}

armed_fault& wire_hub::arm(fault what, std::unique_ptr<fault_effect> effect, std::uint64_t seed) {
    m_faults.push_back(std::make_unique<armed_fault>(std::move(what), seed));
    auto& armed = *m_faults.back();
    armed.m_effect = std::move(effect);
    if (armed.m_what.when.on.empty()) {
        sc_assert(armed.m_what.when.at);
        wait_for(armed);
    } else {
        auto& group = group_of(armed.m_what);
        armed.m_group = &group;
        group.waiting.emplace(group.occurrences + std::max<std::uint64_t>(armed.m_what.when.nth, 1), &armed);
    }
    return armed;
}

/// The groups of the faults that stay are made anew with the same counts; the old ones are left alone, since
/// emptying them would touch all their memory.
void wire_hub::keep_only(std::vector<live_fault> live) {
    auto& retired = m_retired.emplace_back();
    for (auto& [name, on] : m_wires)
        retired[on.get()] = std::exchange(on->m_groups, {});
    m_timed.clear();
    for (auto& [which, effect] : live) {
        which->m_effect = std::move(effect);
        if (which->m_group == nullptr) {
            if (!which->m_over && !which->m_begun)
                wait_for(*which);
            continue;
        }
        auto*& group = which->m_group->successor;
        if (group == nullptr) {
            group = &add_group(which->m_what);
            group->occurrences = which->m_group->occurrences;
        }
        if (which->m_group->is_eligible(which))
            group->eligible.push_back(which);
        else if (!which->m_over)
            group->waiting.emplace(std::max<std::uint64_t>(which->m_what.when.nth, 1), which);
        which->m_group = group;
    }
}

std::uint64_t wire_hub::occurrences(const armed_fault& which) const {
    return which.m_group == nullptr ? 0 : which.m_group->occurrences;
}

void wire_hub::disarm(armed_fault& which) {
    if (which.m_group != nullptr)
        which.m_group->forget(&which);
    std::erase_if(m_timed, [&](const auto& entry) { return entry.second == &which; });
    which.m_over = true;
}

}  // namespace vtwin::scenario
