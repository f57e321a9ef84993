// What kinds of fault share: whom a target names, and chance of their own.
#pragma once

#include <string>
#include <vector>

#include "models/chance.h"
#include "scenarios/faults/catalogue.h"

namespace vtwin::scenario {

/// Domains whose wire of this class the fault's target names, in the machine's order: "v1" for "v1.disk".
std::vector<std::string> target_domains(const fault& what, const models::run_config& config,
                                        wire_class which);

/// For what an effect draws, beside the stream of its trigger.
models::chance_stream effect_chance(const fault& what, const models::run_config& config);

}  // namespace vtwin::scenario
