// Many guests that are all alike.
#pragma once

#include "scenarios/schema/settings.h"

namespace vtwin::scenario {

/// Replaces the section `fleet` by what it stands for: fleet.count guests <prefix>1, <prefix>2, ... with the
/// settings of fleet.guest, each on its own vTPM <name>-vtpm with the settings of fleet.vtpm. A uuid follows
/// from the vTPM's name; the backend, when it is not given, is the manager. What the scenario says of one of
/// these guests by name wins.
settings expand_fleet(const settings& written);

}  // namespace vtwin::scenario
