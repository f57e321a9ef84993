// Who is connected to whom: what no single key can get wrong alone.
#pragma once

#include <vector>

#include "scenarios/schema/settings.h"

namespace vtwin::scenario {

/// Mistakes in the wiring of a completed scenario, each at the line that is wrong.
std::vector<problem> check_topology(const settings& all);

}  // namespace vtwin::scenario
