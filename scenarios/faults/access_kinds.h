// Kinds that a domain's memory and a ring have in common: single loads and stores go wrong.
#pragma once

#include <string_view>
#include <vector>

#include "scenarios/faults/hypervisor_kinds.h"

namespace vtwin::scenario {

/// Rows of the catalogue by kind; the rest of a declaration is the same for both classes.
struct access_rows {
    std::string_view load_flipped, load_replaced, store_flipped, store_replaced, store_lost, store_torn,
        store_late, page_fault;
};
/// `which`: memory or ring.
std::vector<hypervisor_kind> access_kinds(wire_class which, const access_rows& rows);

}  // namespace vtwin::scenario
