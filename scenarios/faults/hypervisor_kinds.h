// Kinds of fault that need nothing but the hypervisor: on memory, rings and hypercalls.
#pragma once

#include <memory>
#include <vector>

#include "scenarios/faults/catalogue.h"
#include "scenarios/faults/hypervisor_view.h"

namespace vtwin::scenario {

using hypervisor_effect_maker = std::unique_ptr<fault_effect> (*)(const fault&, const hypervisor_view&);

struct hypervisor_kind {
    kind_declaration declared;  ///< without `make`
    hypervisor_effect_maker make = nullptr;
};
std::vector<hypervisor_kind> memory_table();
std::vector<hypervisor_kind> ring_table();
std::vector<hypervisor_kind> grant_table_kinds();
std::vector<hypervisor_kind> event_channel_kinds();

/// With `make`, as the catalogue wants them.
std::vector<kind_declaration> declarations(std::vector<hypervisor_kind> table);

/// Effect of a checked fault of one of these tables; nullptr for any other kind.
std::unique_ptr<fault_effect> make_hypervisor_effect(const fault& what, const hypervisor_view& where);

/// The stream from which an effect draws what its parameters leave open.
models::chance_stream chance_of(const fault& what, const hypervisor_view& where);

template <typename Effect>
std::unique_ptr<fault_effect> make_effect(const fault& what, const hypervisor_view& where) {
    return std::make_unique<Effect>(what, where);
}

}  // namespace vtwin::scenario
