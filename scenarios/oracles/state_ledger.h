// What the permanent state of each vTPM was, in order, and how much of it its guest was told of.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scenarios/oracles/events.h"
#include "scenarios/oracles/packet.h"
#include "scenarios/oracles/scene.h"

namespace vtwin::scenario {

class state_ledger {
  public:
    explicit state_ledger(const scene& who) {
        for (const auto& [name, each] : who.vtpms)
            if (each.has_state && who.manager_has_state)
                m_vtpms[name].older_state = true;
    }

    struct entry {
        std::vector<std::uint64_t> states;  ///< oldest first
        std::size_t acknowledged = 0;       ///< states that the guest was told of: the first so many
        bool older_state = false;           ///< there was one before the run that we know nothing of
        bool any() const { return !states.empty() || older_state; }
    };
    /// nullptr when nothing is known of it.
    entry* find(std::string_view vtpm) {
        const auto found = m_vtpms.find(vtpm);
        return found == m_vtpms.end() ? nullptr : &found->second;
    }

    void taken(const seen::state_taken& what) {
        auto& states = of(what.vtpm).states;
        if (states.empty() || states.back() != what.digest)
            states.push_back(what.digest);
    }
    void answered(const seen::answer& what) {
        if (auto* of = find(what.back); of != nullptr && succeeded(what.response))
            of->acknowledged = of->states.size();
    }
    /// Index of the newest equal state; nullopt when it never was.
    std::optional<std::size_t> position_of(const seen::state_given& what) {
        const auto& states = of(what.vtpm).states;
        for (std::size_t i = states.size(); i-- > 0;)
            if (states[i] == what.digest)
                return i;
        return std::nullopt;
    }
    /// Goes on from a state: what came after it is no more.
    void restored(const seen::state_given& what) {
        auto& entry = of(what.vtpm);
        if (const auto at = position_of(what))
            entry.states.resize(*at + 1);
        else
            entry.states = {what.digest};
        entry.acknowledged = entry.states.size();
        entry.older_state = false;
    }
    void erased(std::string_view vtpm) { of(vtpm) = {}; }

  private:
    entry& of(std::string_view vtpm) {
        const auto found = m_vtpms.find(vtpm);
        return found != m_vtpms.end() ? found->second : m_vtpms[std::string(vtpm)];
    }
    std::map<std::string, entry, std::less<>> m_vtpms;
};

}  // namespace vtwin::scenario
