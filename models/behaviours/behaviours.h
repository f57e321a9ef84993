// The registry of behaviours and a machine's choice among them.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace vtwin::models {

/// One switch of the registry (models/behaviours/behaviours.def).
enum class behaviour : std::size_t {
#define VTWIN_BEHAVIOUR(enumerator, name, ids, severity, faithful, hardened) enumerator,
#include "models/behaviours/behaviours.def"
#undef VTWIN_BEHAVIOUR
    count
};

struct behaviour_info {
    behaviour id;
    std::string_view name;      ///< component.what_happens
    std::string_view findings;  ///< V-, W-, F-numbers
    char severity;              ///< C, I, A or P
    std::string_view faithful;
    std::string_view hardened;
    bool modelled;  ///< some code asks for it; the others are listed as "not modelled yet"
};

std::span<const behaviour_info> all_behaviours();
std::optional<behaviour> find_behaviour(std::string_view name);

/// Which variant each switch has in one machine. Default: all faithful.
class behaviour_set {
  public:
    bool faithful(behaviour which) const { return !m_hardened.test(static_cast<std::size_t>(which)); }
    bool hardened(behaviour which) const { return !faithful(which); }
    void set_all(bool hardened) { hardened ? m_hardened.set() : m_hardened.reset(); }
    void set(behaviour which, bool hardened) { m_hardened.set(static_cast<std::size_t>(which), hardened); }
    bool operator==(const behaviour_set&) const = default;

  private:
    std::bitset<static_cast<std::size_t>(behaviour::count)> m_hardened;
};

}  // namespace vtwin::models
