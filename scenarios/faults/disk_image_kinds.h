// Faults that change a whole image between two accesses.
#pragma once

#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

/// The kinds of disk_kinds() that act at once.
std::vector<kind_declaration> disk_image_kinds();

}  // namespace vtwin::scenario
