#include "models/behaviours/behaviours.h"

#include <algorithm>
#include <array>

namespace vtwin::models {

namespace {

constexpr std::size_t behaviour_count = static_cast<std::size_t>(behaviour::count);

constexpr std::array<behaviour_info, behaviour_count> make_registry() {
    std::array<behaviour_info, behaviour_count> registry{{
#define VTWIN_BEHAVIOUR(enumerator, name, ids, severity, faithful, hardened) \
    {behaviour::enumerator, name, ids, severity, faithful, hardened, false},
#include "models/behaviours/behaviours.def"
#undef VTWIN_BEHAVIOUR
    }};
#define VTWIN_MODELLED(enumerator) registry[static_cast<std::size_t>(behaviour::enumerator)].modelled = true;
#include "models/behaviours/modelled.def"
#undef VTWIN_MODELLED
    return registry;
}

constexpr auto registry = make_registry();

}  // namespace

std::span<const behaviour_info> all_behaviours() {
    return registry;
}

std::optional<behaviour> find_behaviour(std::string_view name) {
    const auto found = std::ranges::find(registry, name, &behaviour_info::name);
    return found == registry.end() ? std::nullopt : std::optional(found->id);
}

}  // namespace vtwin::models
