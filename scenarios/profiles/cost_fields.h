// The fields of the two cost profiles by name: one table each, from which keys, profile files and structs are
// tied together.
#pragma once

#include <span>
#include <string_view>

#include "hypervisor/costs.h"
#include "models/costs.h"

namespace vtwin::scenario {

template <typename Profile>
struct cost_field {
    std::string_view name;
    sc_core::sc_time Profile::*member;
    std::string_view doc;
};

std::span<const cost_field<xen::cost_profile>> hypervisor_cost_fields();
std::span<const cost_field<models::software_costs>> software_cost_fields();

}  // namespace vtwin::scenario
