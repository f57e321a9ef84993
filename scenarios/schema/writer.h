// Settings back to a scenario file.
#pragma once

#include <string>

#include "scenarios/schema/settings.h"

namespace vtwin::scenario {

/// TOML text with every entry; reading it gives the same values. The same settings give the same bytes.
std::string write_settings(const settings& all);

}  // namespace vtwin::scenario
