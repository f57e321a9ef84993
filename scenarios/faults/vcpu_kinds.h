// Faults of a domain's time.
#pragma once

#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

/// The kinds of domain_kinds() that act on a vCPU.
std::vector<kind_declaration> vcpu_kinds();

}  // namespace vtwin::scenario
